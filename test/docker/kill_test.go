package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// lostAfter is SYMINIT_LOST_AFTER's default.
const lostAfter = 10 * time.Second

func TestKilledProcessEndsTheRunEverywhere(t *testing.T) {
	killAll := func(pattern string) func(*containers.Container) {
		return func(n *containers.Container) { n.Kill(pattern) }
	}
	container9 := func(n *containers.Container) { n.Signal("KILL") }
	for _, tt := range []struct {
		name    string
		onHead  bool
		kill    func(*containers.Container)
		victim  int    // the exit code where the kill happened
		other   int    // the exit code on the other node
		atOther string // what the other node says
	}{
		{"worker container", false, container9, 137, 69, "lost node worker (rank 1"},
		{"head container", true, container9, 137, 69, "lost the head"},
		{"worker raylet", false, killAll("^[^ ]*/raylet/raylet"), 69, 69, "node worker (rank 1"},
		{"head GCS", true, killAll("^[^ ]*/gcs/gcs_server"), 69, 69, "node head (rank 0"},
		{"worker agent", false, killAll("^syminit-agent"), 70, 69, "lost node worker (rank 1"},
		{"head agent", true, killAll("^syminit-agent"), 70, 69, "lost the head"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker := c.Pair(containers.Host{Args: []string{"python3", "/jobs/forever.py"}})
			head.WaitLog("JOB up nodes=2", up)
			victim, other := worker, head
			if tt.onHead {
				victim, other = head, worker
			}
			killed := time.Now()
			tt.kill(victim)
			containers.WantExits(t, up, tt.victim, victim)
			containers.WantExits(t, up, tt.other, other)
			other.WantLog(tt.atOther)
			for _, n := range []*containers.Container{victim, other} {
				took := n.Left.Sub(killed)
				t.Logf("%s gone %.1f s after the kill", n.Name, took.Seconds())
				if took > lostAfter+2*time.Second {
					t.Errorf("%s stayed %s after the kill", n.Name, took)
				}
			}
		})
	}
}

// TestKilledJob: the job's end by a signal is 137 on every node.
func TestKilledJob(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker1, worker2 := three(c, containers.Host{Args: []string{"python3", "/jobs/forever.py"}})
	head.WaitLog("JOB up nodes=3", up)
	head.Kill("^python3 /jobs/forever.py")
	containers.WantExits(t, up, 137, head, worker1, worker2)
	worker1.WantLog("killed by SIGKILL")
}

// TestCutLink: a node that nobody hears any more is lost after LOST_AFTER, and
// so is the head for it.
func TestCutLink(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{Env: []string{"SYMINIT_LOST_AFTER=4s"}, Args: []string{"python3", "/jobs/forever.py"}})
	head.WaitLog("JOB up nodes=2", up)
	containers.Docker(t, "network", "disconnect", c.Net, worker.ID)
	containers.WantExits(t, up, 69, head, worker)
	head.WantLog("lost node worker (rank 1", "silent for 4s")
	worker.WantLog("lost the head", "silent for 4s")
}

// TestOutOfMemory: the last line says so, for the exit code alone doesn't.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	out, err := containers.TryDocker("run", "--rm", "--memory", "256m", "--memory-swap", "256m", image(t), "python3", "-c", "bytearray(1 << 30)")
	if code := containers.ExitCode(err); code != 137 || !strings.Contains(out, "killed by SIGKILL (") || !strings.Contains(out, "memory") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestLastLine: what a job leaves behind is told of, and the log ends with who ended
// the run and why.
func TestLastLine(t *testing.T) {
	t.Parallel()
	out, err := containers.TryDocker("run", "--rm", image(t), "sh", "-c", `setsid sh -c 'trap "" TERM; echo up >/tmp/up; sleep 1000' & until [ -s /tmp/up ]; do :; done; exit 3`)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code := containers.ExitCode(err); code != 3 || !strings.Contains(out, "sending KILL") || !strings.Contains(lines[len(lines)-1], "run over: the job exited with code 3; exit code 3") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
