package podman

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/need"
)

// quadlet makes systemd's services of podman's units; test/setup/quadlet.sh.
const quadlet = "../../.tools/bin/quadlet"

// TestQuadlet does with the unit in examples/podman what systemd would: quadlet
// makes the service, on two hosts what it starts with makes a run, each says that
// it is up, and what one is stopped with ends both, with a code that is no failure.
func TestQuadlet(t *testing.T) {
	e := engines(t)[0]
	if _, err := os.Stat(quadlet); err != nil {
		need.Missing(t, "needs podman's quadlet, which test/setup/quadlet.sh installs: %v", err)
	}
	t.Parallel()
	secret := fmt.Sprintf("syminit-%d", os.Getpid())
	create := e.cmd("secret", "create", secret, "-")
	create.Stdin = strings.NewReader(token)
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("podman secret create: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = e.cmd("secret", "rm", secret).Run() })

	var services [2]*service
	var logs [2]*node
	for i := range services {
		services[i] = e.service(t, map[string]string{
			"Image":       "localhost/" + e.image,
			"Exec":        "python3 /jobs/forever.py",
			"Environment": "SYMINIT_HEAD=" + network + ".16 SYMINIT_NODES=2",
			"Secret":      secret + ",type=env,target=SYMINIT_TOKEN",
			"PodmanArgs":  strings.Join(append(e.mounts, "--shm-size", "512m"), " "),
		})
		if out, err := services[i].on(6+i, "ExecStart").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		name := "systemd-" + services[i].name
		t.Cleanup(func() { _ = e.cmd("rm", "-f", name).Run() })
		logs[i] = onHost(t, 6+i, nil, e.cmd("logs", "--follow", name).Args...)
	}
	for _, s := range services {
		pid := hearsOf(t, s.manager)
		if !strings.HasPrefix(pid, "MAINPID=") { // conmon, whose exit code is the container's
			t.Errorf("the service manager hears %q first", pid)
		}
		hears(t, s.manager, "READY=1")
	}
	logs[0].prints(t, "JOB up") // before that a TERM ends the job with Ray's own code
	for _, stop := range []string{"ExecStop", "ExecStopPost"} {
		if out, err := services[1].on(7, stop).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", stop, err, out)
		}
	}
	for i, s := range services {
		got := e.died(t, "systemd-"+s.name)
		_ = logs[i].cmd.Wait()
		if got != "143" {
			t.Errorf("node %d ended with code %q, want 143, and printed:\n%s", i+1, got, logs[i].out.String())
		}
	}
}

// died returns the exit code of a container that is gone, once it is.
func (e engine) died(t *testing.T, name string) string {
	t.Helper()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(limit); ; {
		out, err := e.cmd("events", "--stream=false", "--since", "10m", "--filter", "container="+name, "--filter", "event=died", "--format", "{{.ContainerExitCode}}").Output()
		if code := strings.TrimSpace(string(out)); err != nil || code != "" {
			return code
		}
		select {
		case <-poll.C:
		case <-deadline:
			return "none: it still runs"
		}
	}
}

// A service is what systemd would run, and hear of.
type service struct {
	name    string
	lines   map[string][]string // the commands of [Service], by their names
	env     []string
	manager *net.UnixConn
}

// service has quadlet make a service of the example, with other values of the
// unit's [Container].
func (e engine) service(t *testing.T, values map[string]string) *service {
	t.Helper()
	unit, err := os.ReadFile("../../examples/podman/syminit.container")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(unit), "\n")
	for key, value := range values {
		at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, key+"=") })
		if at < 0 {
			t.Fatalf("the unit has no %s", key)
		}
		lines[at] = key + "=" + value
	}
	s := &service{name: fmt.Sprintf("%s-%d", shared.tag, started.Add(1)), lines: map[string][]string{}}
	units := t.TempDir()
	if err := os.WriteFile(filepath.Join(units, s.name+".container"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	generate := exec.Command(quadlet, "-dryrun")
	generate.Env = append(os.Environ(), "QUADLET_UNIT_DIRS="+units)
	out, err := generate.CombinedOutput()
	if err != nil {
		t.Fatalf("quadlet: %v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if name, command, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.HasPrefix(name, "Exec") {
			s.lines[name] = e.systemd(command, s.name)
		}
	}
	for _, want := range []string{"Type=notify", "SuccessExitStatus=143", "Restart=on-failure", "RestartPreventExitStatus=64 77"} {
		if !strings.Contains(string(out), "\n"+want+"\n") {
			t.Fatalf("no %s in what quadlet made: %s", want, out)
		}
	}
	if s.lines["ExecStart"] == nil || s.lines["ExecStop"] == nil {
		t.Fatalf("quadlet made: %s", out)
	}
	var path string
	s.manager, path = newManager(t)
	s.env = []string{"NOTIFY_SOCKET=" + path}
	return s
}

// systemd makes of a line in a service what systemd would run here.
func (e engine) systemd(line, name string) []string {
	words := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(line, "-"), "%N", name))
	words = slices.DeleteFunc(words, func(w string) bool { return w == "--cgroups=split" }) // of a cgroup that systemd makes
	return e.cmd(words[1:]...).Args
}

// on is the command that a service has for that, on a host.
func (s *service) on(host int, what string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{fmt.Sprintf("--net=/run/netns/%s-%d", shared.tag, host), "--"}, s.lines[what]...)...)
	cmd.Env = append(os.Environ(), s.env...)
	return cmd
}
