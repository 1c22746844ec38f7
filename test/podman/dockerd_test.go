package podman

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/test/need"
)

// TestDockerHosts: the script in examples/docker as it stands, with the host's
// network, on two hosts with a Docker engine each: a real Ray job over both, and its
// code.
func TestDockerHosts(t *testing.T) {
	e := engines(t)[2]
	if _, err := exec.LookPath("dockerd"); err != nil {
		need.Missing(t, "test/setup/docker.sh installs it: %v", err)
	}
	t.Parallel()
	hosts := [2]*dockerd{startDockerd(t, 8), startDockerd(t, 9)}
	var loads [2]*exec.Cmd
	for i, d := range hosts {
		d.answers(t)
		loads[i] = exec.Command("sh", "-c", `docker save "$0" | docker --host "$1" load --quiet`, e.image, d.url)
		if err := loads[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, load := range loads {
		if err := load.Wait(); err != nil {
			t.Fatalf("docker load on host %d: %v: %s", i+1, err, hosts[i].out.String())
		}
	}
	for _, want := range []int{0, 7} {
		var nodes [2]*node
		for i, d := range hosts {
			env := e.example(network+".18", fmt.Sprintf("--name node --hostname node%d -e EXIT_CODE=%d", i+1, want))
			nodes[i] = onHost(t, 8+i, append(env, "DOCKER_HOST="+d.url), "../../examples/docker/run.sh", "python3", "/jobs/nodes.py")
		}
		wantRun(t, nodes, want)
	}
}

// A dockerd is the Docker engine of one host. All that it has is in a folder of the
// test, and it shares neither network, mounts nor processes with the machine's own.
type dockerd struct {
	url string
	out output
}

// startDockerd starts a host's engine, which ends with the test.
func startDockerd(t *testing.T, host int) *dockerd {
	t.Helper()
	dir := t.TempDir()
	d := &dockerd{url: "unix://" + dir + "/sock"}
	// What the machine's engine keeps in a place that no option moves is hidden: its
	// containerd, which this one would use, and its settings.
	cmd := exec.Command("nsenter", fmt.Sprintf("--net=/run/netns/%s-%d", shared.tag, host), "--", "sh", "-c",
		`mount -t proc proc /proc && mkdir -p /run/containerd /etc/docker && mount -t tmpfs tmpfs /run/containerd && mount -t tmpfs tmpfs /etc/docker && exec dockerd "$@"`, "sh",
		"--host", d.url, "--data-root", dir+"/data", "--exec-root", dir+"/exec", "--pidfile", dir+"/pid", "--bridge=none", "--iptables=false")
	// It is process 1 of a PID namespace: its containerd and its containers can't outlive it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	cmd.Stdout, cmd.Stderr = &d.out, &d.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A container that is left, after a failure, has cgroups beside its processes.
		_ = exec.Command("docker", "--host", d.url, "rm", "-f", "node").Run()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("dockerd printed:\n%s", d.out.String())
		}
	})
	return d
}

// answers returns once the engine does.
func (d *dockerd) answers(t *testing.T) {
	t.Helper()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(limit); exec.Command("docker", "--host", d.url, "version").Run() != nil; {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatal("dockerd doesn't answer")
		}
	}
}
