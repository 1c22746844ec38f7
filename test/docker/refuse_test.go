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
