package docker

import (
	"strings"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// TestRefused: a node that doesn't belong is refused with the difference named,
// on both ends, and the head goes on waiting for one that does.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name     string
		env      []string
		args     []string
		atHead   string
		atWorker string
	}{
		{"wrong secret", []string{"SYMINIT_TOKEN=ffffffffffffffffffffffffffffffff"}, nil, "secret", "SYMINIT_TOKEN"},
		{"no secret", []string{"SYMINIT_TOKEN=", "SYMINIT_INSECURE=true"}, nil, "secret", "SYMINIT_TOKEN"},
		{"other command", nil, []string{"echo", "other"}, "command", "command"},
		{"other number of nodes", []string{"SYMINIT_NODES=3"}, nil, "SYMINIT_NODES", "SYMINIT_NODES"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			job := []string{"python3", "/jobs/nodes.py"}
			head := c.Run(containers.Host{Name: "head", Env: []string{"SYMINIT_NODES=2"}, Args: job})
			args := job
			if tt.args != nil {
				args = tt.args
			}
			stranger := c.Run(containers.Host{Name: "stranger", Env: append([]string{"SYMINIT_NODES=2"}, tt.env...), Args: args})
			containers.WantExits(t, up, 77, stranger)
			stranger.WantLog(tt.atWorker)
			head.WaitLog("refused a node", up) // it runs, and may say it after the stranger is gone
			head.WantLog(tt.atHead)
			worker := c.Run(containers.Host{Name: "worker", Env: []string{"SYMINIT_NODES=2"}, Args: job})
			containers.WantExits(t, up, 0, head, worker)
		})
	}
}

// TestOneNodeTooMany: the run goes on without it, and it is told why.
func TestOneNodeTooMany(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{Args: []string{"python3", "/jobs/forever.py"}})
	head.WaitLog("JOB up nodes=2", up)
	third := c.Run(containers.Host{Name: "third", Env: []string{"SYMINIT_NODES=2"}, Args: []string{"python3", "/jobs/forever.py"}})
	containers.WantExits(t, up, 77, third)
	third.WantLog("worker", "SYMINIT_NODES")
	head.Signal("TERM")
	containers.WantExits(t, up, 143, head, worker)
}

// squatted starts syminit behind something of that name that has its port, and ends
// every connection until it gets USR1.
func squatted(name string) containers.Host {
	script := `mkfifo /tmp/up; python3 -c "
import signal, socket
open('/proc/self/comm', 'w').write('` + name + `')
s = socket.create_server(('', 6378))
signal.signal(signal.SIGUSR1, lambda *a: exit())
print('listening', flush=True)
while True: s.accept()[0].close()" >/tmp/up & read up </tmp/up; exec /usr/local/bin/syminit -- python3 /jobs/nodes.py`
	return containers.Host{Name: "head", Env: []string{"SYMINIT_NODES=2"}, Options: []string{"--entrypoint", "sh"}, Args: []string{"-c", script}}
}

// TestPortFreeAgain: a node whose host is the head's finds the port taken, by a
// run that is just ending, say, and is the head all the same once it is free.
func TestPortFreeAgain(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head := c.Run(squatted("syminit-agent"))
	head.WaitLog("port 6378 is taken by process", up)
	head.Exec("pkill -USR1 -f '[c]reate_server'")
	worker := c.Run(containers.Host{Name: "worker", Env: []string{"SYMINIT_NODES=2"}, Args: []string{"python3", "/jobs/nodes.py"}})
	containers.WantExits(t, up, 0, head, worker)
	head.WantLog("this node is the head", "JOB nodes=2")
}

// TestPortOfSomethingElse, which is no head and never will be: the node says what it
// is, and doesn't wait for JOIN_TIMEOUT.
func TestPortOfSomethingElse(t *testing.T) {
	t.Parallel()
	head := newCluster(t).Run(squatted("squatter"))
	containers.WantExits(t, up, 64, head)
	head.WantLog("port 6378 is taken by process", "(squatter) on this host, which SYMINIT_HEAD names, and no head has answered there", "SYMINIT_PORT")
}

// TestLoopbackAddress: Ray would take another address, and the run wait for it.
func TestLoopbackAddress(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"SYMINIT_NODE_IP=127.0.0.1", "SYMINIT_INTERFACE=lo"} {
		out, err := containers.TryDocker("run", "--rm", "-e", "SYMINIT_RUNTIME=ray", "-e", setting, image(t), "true")
		if code := containers.ExitCode(err); code != 64 || !strings.Contains(out, "set SYMINIT_NODE_IP=") {
			t.Errorf("%s: exit code %d: %s", setting, code, out)
		}
	}
}

// TestPortsOfRaysWorkers: one of Ray's own among them is refused by Ray too; one
// that syminit listens at is passed over.
func TestPortsOfRaysWorkers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ setting, option, named string }{
		{"SYMINIT_RAY_PORT=10500", "--port=10500", "SYMINIT_RAY_PORT=10500"},
		{"SYMINIT_RAY_START_ARGS=--dashboard-port=10500", "--dashboard-port=10500", "--dashboard-port=10500"},
		{"SYMINIT_RAY_START_ARGS=--min-worker-port=8000 --max-worker-port=9000", "--min-worker-port=8000 --max-worker-port=9000", "--dashboard-port, 8265"},
	} {
		out, err := containers.TryDocker("run", "--rm", "-e", "SYMINIT_RUNTIME=ray", "-e", tt.setting, image(t), "true")
		if code := containers.ExitCode(err); code != 64 || !strings.Contains(out, tt.named) || !strings.Contains(out, "gives to its workers") {
			t.Errorf("%s: exit code %d: %s", tt.setting, code, out)
		}
		out, err = containers.TryDocker("run", "--rm", "--entrypoint", "sh", image(t), "-c", "ray start --head --disable-usage-stats "+tt.option)
		if err == nil || !strings.Contains(out, "used by other components") {
			t.Errorf("ray start %s: %v: %s", tt.option, err, out)
		}
	}
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{
		Env:  []string{"SYMINIT_PORT=20000", "SYMINIT_STATUS_ADDR=:20001", "SYMINIT_RAY_START_ARGS=--num-cpus=2 --min-worker-port=20000 --max-worker-port=20012"},
		Args: []string{"python3", "/jobs/nodes.py"},
	})
	containers.WantExits(t, up, 0, head, worker)
	head.WantLog("JOB nodes=2", "JOB task host=worker")
}

// TestCommandNotFound is said before Ray starts for it.
func TestCommandNotFound(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{Args: []string{"no-such-command"}})
	containers.WantExits(t, up, 127, head, worker)
	worker.WantLog("no-such-command", "(rank 0, head)")
	if strings.Contains(head.Logs(), "starting Ray") {
		t.Error("Ray was started for it")
	}
}

// TestSecretIsNowhere: not on a command line, not in a child's environment, not
// in the log.
func TestSecretIsNowhere(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{Env: []string{"SYMINIT_LOG_LEVEL=debug"}, Args: []string{"python3", "/jobs/forever.py"}})
	head.WaitLog("JOB up nodes=2", up)
	for _, n := range []*containers.Container{head, worker} {
		// The two processes of syminit are the ones that were given it.
		found := n.Exec("for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in *syminit*|'sh -c'*) continue;; esac; " +
			"cat $p/environ $p/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -q " + c.Token + " && echo $p; done; true")
		if found != "" {
			t.Errorf("%s: the secret is in %s", n.Name, found)
		}
		if strings.Contains(n.Logs(), c.Token) {
			t.Errorf("%s: the secret is in the log", n.Name)
		}
	}
	head.Signal("TERM")
	containers.WantExits(t, up, 143, head, worker)
}

// TestOtherVersionsAreRefused: a node with another Ray is told so before any Ray
// starts, whose own error comes late and says less.
func TestOtherVersionsAreRefused(t *testing.T) {
	t.Parallel()
	older := oldRayImages(t)[0]
	c := newCluster(t)
	h := containers.Host{Env: []string{"SYMINIT_NODES=2"}, Args: []string{"python3", "/jobs/nodes.py"}}
	h.Name = "head"
	head := c.Run(h)
	h.Name, h.Image = "stranger", older
	stranger := c.Run(h)
	containers.WantExits(t, up, 77, stranger)
	head.WaitLog("refused a node", up) // it runs, and may say it after the stranger is gone
	for _, n := range []*containers.Container{head, stranger} {
		n.WantLog("Ray's version", "use the same image on every node")
	}
	h.Name, h.Image = "worker", ""
	containers.WantExits(t, up, 0, head, c.Run(h))
}
