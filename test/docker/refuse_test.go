package docker

import (
	"strings"
	"testing"
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
			head := c.run(host{name: "head", env: []string{"SYMINIT_NODES=2"}, args: job})
			args := job
			if tt.args != nil {
				args = tt.args
			}
			stranger := c.run(host{name: "stranger", env: append([]string{"SYMINIT_NODES=2"}, tt.env...), args: args})
			wantExits(t, up, 77, stranger)
			stranger.wantLog(tt.atWorker)
			head.wantLog(tt.atHead)
			worker := c.run(host{name: "worker", env: []string{"SYMINIT_NODES=2"}, args: job})
			wantExits(t, up, 0, head, worker)
		})
	}
}

// TestOneNodeTooMany: the run goes on without it, and it is told why.
func TestOneNodeTooMany(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, host{args: []string{"python3", "/jobs/forever.py"}})
	head.waitLog("JOB up nodes=2", up)
	third := c.run(host{name: "third", env: []string{"SYMINIT_NODES=2"}, args: []string{"python3", "/jobs/forever.py"}})
	wantExits(t, up, 77, third)
	third.wantLog("worker", "SYMINIT_NODES")
	docker(t, "kill", "--signal", "TERM", head.id)
	wantExits(t, up, 143, head, worker)
}

// TestPortFreeAgain: a node whose host is the head's finds the port taken, by a
// run that is just ending, say, and is the head all the same once it is free.
func TestPortFreeAgain(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	squatter := `mkfifo /tmp/up; python3 -c "
import signal, socket
s = socket.create_server(('', 6378))
signal.signal(signal.SIGUSR1, lambda *a: exit())
print('listening', flush=True)
while True: s.accept()[0].close()" >/tmp/up & read up </tmp/up; exec /usr/local/bin/syminit -- python3 /jobs/nodes.py`
	head := c.run(host{name: "head", env: []string{"SYMINIT_NODES=2"}, options: []string{"--entrypoint", "sh"}, args: []string{"-c", squatter}})
	head.waitLog("port 6378 is taken", up)
	head.exec("pkill -USR1 -f '[c]reate_server'")
	worker := c.run(host{name: "worker", env: []string{"SYMINIT_NODES=2"}, args: []string{"python3", "/jobs/nodes.py"}})
	wantExits(t, up, 0, head, worker)
	head.wantLog("this node is the head", "JOB nodes=2")
}

// TestLoopbackAddress: Ray would take another address, and the run wait for it.
func TestLoopbackAddress(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"SYMINIT_NODE_IP=127.0.0.1", "SYMINIT_INTERFACE=lo"} {
		out, err := tryDocker("run", "--rm", "-e", "SYMINIT_RUNTIME=ray", "-e", setting, image(t), "true")
		if code := exitCode(err); code != 64 || !strings.Contains(out, "set SYMINIT_NODE_IP=") {
			t.Errorf("%s: exit code %d: %s", setting, code, out)
		}
	}
}

// TestCommandNotFound is said before Ray starts for it.
func TestCommandNotFound(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, host{args: []string{"no-such-command"}})
	wantExits(t, up, 127, head, worker)
	worker.wantLog("no-such-command", "(rank 0, head)")
	if strings.Contains(head.logs(), "starting Ray") {
		t.Error("Ray was started for it")
	}
}

// TestSecretIsNowhere: not on a command line, not in a child's environment, not
// in the log.
func TestSecretIsNowhere(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, host{env: []string{"SYMINIT_LOG_LEVEL=debug"}, args: []string{"python3", "/jobs/forever.py"}})
	head.waitLog("JOB up nodes=2", up)
	for _, n := range []*container{head, worker} {
		// The two processes of syminit are the ones that were given it.
		found := n.exec("for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in *syminit*|'sh -c'*) continue;; esac; " +
			"cat $p/environ $p/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -q " + c.token + " && echo $p; done; true")
		if found != "" {
			t.Errorf("%s: the secret is in %s", n.name, found)
		}
		if strings.Contains(n.logs(), c.token) {
			t.Errorf("%s: the secret is in the log", n.name)
		}
	}
	docker(t, "kill", "--signal", "TERM", head.id)
	wantExits(t, up, 143, head, worker)
}
