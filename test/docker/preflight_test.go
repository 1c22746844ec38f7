package docker

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// tight are options of a host that lacks something: little shared memory, few
// open files.
var tight = []string{"--shm-size=64m", "--ulimit", "nofile=2048:2048"}

// TestPreflight has one table at the head with what both nodes lack, and what to
// do about it; the run goes on.
func TestPreflight(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{Options: tight, Env: []string{"EXIT_CODE=6"}, Args: []string{"python3", "/jobs/nodes.py"}})
	containers.WantExits(t, up, 6, head, worker)
	logs := head.Logs()
	for _, row := range []string{
		`(?m)^  head, worker +/dev/shm +error: 64 MiB.* run with --shm-size=16g or --ipc=host$`,
		`(?m)^  head, worker +nofile +error: 2048 open files at most +run with --ulimit nofile=`,
	} {
		if !regexp.MustCompile(row).MatchString(logs) {
			t.Errorf("the head's log lacks %s", row)
		}
	}
	if n := strings.Count(logs, "preflight: "); n != 1 || strings.Contains(worker.Logs(), "preflight: ") {
		t.Errorf("%d tables at the head", n)
	}
}

// TestPreflightFails ends the run on every node before Ray starts.
func TestPreflightFails(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	// Only the worker lacks something, and only the head minds.
	head := c.Run(containers.Host{Name: "head", Env: []string{"SYMINIT_NODES=2", "SYMINIT_PREFLIGHT=fail"}, Args: []string{"python3", "/jobs/nodes.py"}})
	worker := c.Run(containers.Host{Name: "worker", Env: []string{"SYMINIT_NODES=2"}, Options: tight, Args: []string{"python3", "/jobs/nodes.py"}})
	containers.WantExits(t, up, 75, head, worker)
	for _, n := range []*containers.Container{head, worker} {
		logs := n.Logs()
		lines := strings.Split(strings.TrimSpace(logs), "\n")
		last := lines[len(lines)-1]
		for _, says := range []string{"run over:", "SYMINIT_PREFLIGHT=fail", "worker: /dev/shm: 64 MiB", "--shm-size=16g", "worker: nofile", "exit code 75"} {
			if !strings.Contains(last, says) {
				t.Errorf("the last line of %s lacks %q: %s", n.Name, says, last)
			}
		}
		if strings.Contains(logs, "starting Ray") {
			t.Errorf("Ray was started on %s", n.Name)
		}
	}
}

// TestPreflightComparesNodes has a model that only the head's host has, and a
// link of another MTU.
func TestPreflightComparesNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	model := t.TempDir()
	for name, text := range map[string]string{"config.json": "{}", "model.safetensors": "weights"} {
		if err := os.WriteFile(filepath.Join(model, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := containers.Host{Name: "head", Env: []string{"SYMINIT_NODES=2", "SYMINIT_PREFLIGHT=fail"}, Options: []string{"-v", model + ":/models/m:ro"}, Args: []string{"vllm", "serve", "/models/m"}}
	head := c.Run(h)
	h.Name, h.Options = "worker", []string{"--cap-add", "NET_ADMIN", "--entrypoint", "sh"}
	h.Args = append([]string{"-c", `ip link set eth0 mtu 1400; exec /usr/local/bin/syminit -- "$@"`, "sh"}, h.Args...)
	worker := c.Run(h)
	containers.WantExits(t, up, 75, head, worker)
	worker.WantLog("worker: model: /models/m is not there, and it is on head")
	head.WantLog("warning: the MTU of eth0 is 1400, on the head 1500")
}

// TestPreflightFirewall: what the head's port for vLLM or Ray would answer gets lost,
// as behind a firewall that lets the rendezvous through and not that. Either would
// wait, vLLM without a word: the run is ended, unless nothing is to be looked at.
func TestPreflightFirewall(t *testing.T) {
	for _, tt := range []struct {
		name string
		host containers.Host
		port string
		ends int
		says []string
	}{
		{"mp", vllm("serve", "MODEL", "-tp", "2"), "29501", 75, []string{
			"worker: ports: port 29501 of head gives no answer, where vLLM (--master-port) meets", "open TCP port 29501 between the hosts", "SYMINIT_PREFLIGHT=off on the head", "exit code 75",
		}},
		{"mp, data parallel", vllm("serve", "MODEL", "-dp", "2"), "29550", 75, []string{"port 29550 of head gives no answer, where vLLM (--data-parallel-rpc-port) meets"}},
		{"ray", containers.Host{Env: []string{"SYMINIT_RUNTIME=ray"}, Args: []string{"python3", "/jobs/nodes.py"}}, "6379", 75, []string{"port 6379 of head gives no answer, where Ray (SYMINIT_RAY_PORT) meets"}},
		{"off", vllm("leaves", "MODEL", "-tp", "2"), "29501", 1, []string{"the server ended unasked with code 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			h := tt.host
			h.Env = append(h.Env, "SYMINIT_NODES=2")
			if tt.name == "off" {
				h.Env = append(h.Env, "SYMINIT_PREFLIGHT=off")
			}
			h.Name = "worker"
			worker := c.Run(h)
			h.Name, h.Options = "head", []string{"--cap-add", "NET_ADMIN", "--entrypoint", "sh"}
			h.Args = append([]string{"-c", `ip rule add ipproto 6 sport "$0" blackhole && exec /usr/local/bin/syminit -- "$@"`, tt.port}, h.Args...)
			head := c.Run(h)
			containers.WantExits(t, up, tt.ends, head, worker)
			for _, n := range []*containers.Container{head, worker} {
				n.WantLog(append([]string{"run over:"}, tt.says...)...)
				if logs := n.Logs(); tt.ends == 75 && (strings.Contains(logs, "VLLM up") || strings.Contains(logs, "starting Ray")) {
					t.Errorf("something was started on %s", n.Name)
				}
			}
		})
	}
}

// TestPreflightIsQuiet where nothing is wrong, and on one node without Ray.
func TestPreflightIsQuiet(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{Args: []string{"true"}})
	containers.WantExits(t, up, 0, head, worker)
	head.WantLog("preflight: nothing wrong found on 2 nodes")
	if logs := head.Logs(); strings.Count(logs, "preflight") != 1 || strings.Contains(logs, "WHAT TO DO") {
		t.Error("more than a line is said of nothing")
	}
	out, err := exec.Command("docker", append(append([]string{"run", "--rm"}, tight...), image(t), "true")...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("one node: %v: %s", err, out)
	}
}

// TestDoctor examines a container.
func TestDoctor(t *testing.T) {
	t.Parallel()
	args := append(append([]string{"run", "--rm", "-e", "SYMINIT_RUNTIME=ray"}, tight...), "--entrypoint", "/usr/local/bin/syminit", image(t), "doctor", "--", "vllm", "serve", "/models/m")
	out, err := containers.TryDocker(args...)
	if code := containers.ExitCode(err); code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, says := range []string{"SYMINIT_RUNTIME=ray (environment)", "eth0", "Ray ", "error: /dev/shm: 64 MiB", "next: run with --shm-size=16g", "error: nofile: 2048", "error: model: /models/m is not there"} {
		if !strings.Contains(out, says) {
			t.Errorf("%q isn't said:\n%s", says, out)
		}
	}
	if out, err = containers.TryDocker("run", "--rm", "--shm-size=2g", "--entrypoint", "/usr/local/bin/syminit", image(t), "doctor"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
