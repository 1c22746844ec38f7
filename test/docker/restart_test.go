package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// TestRestartAfterAFailedJob: the same containers run the job again.
func TestRestartAfterAFailedJob(t *testing.T) {
	for _, tt := range []struct {
		name     string
		restarts string
		want     int
	}{
		{"enough", "2", 0},
		{"used up", "1", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			// It succeeds the third time, and leaves a process each time.
			job := "pgrep -x sleep && exit 9; setsid sleep 1000 & echo x >>/tmp/runs; [ $(wc -l </tmp/runs) = 3 ] || exit 5; exec python3 /jobs/nodes.py"
			head, worker := c.Pair(containers.Host{Env: []string{"SYMINIT_RESTARTS=" + tt.restarts}, Args: []string{"sh", "-c", job}})
			containers.WantExits(t, up, tt.want, head, worker)
			head.WantLog("starting it again", "restart=1 in=1s")
			if strings.Contains(worker.Logs(), " in=") {
				t.Error("the worker says when the next run begins, which the head decides")
			}
			if tt.want == 0 {
				head.WantLog("JOB nodes=2", "JOB task host=worker")
			}
		})
	}
}

// TestLostNodeComesBack: its container is started again by the engine, and the
// run in all containers.
func TestLostNodeComesBack(t *testing.T) {
	for _, victim := range []string{"worker", "head"} {
		t.Run(victim, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			h := containers.Host{
				Env: []string{"SYMINIT_RESTARTS=unlimited"}, Options: []string{"--restart", "on-failure"},
				Args: []string{"python3", "/jobs/forever.py"},
			}
			head, worker := c.Pair(h)
			nodes := map[string]*containers.Container{"head": head, "worker": worker}
			head.WaitLog("JOB up nodes=2", up)
			nodes[victim].Kill("^syminit-agent")
			head.WaitLogTimes("JOB up nodes=2", 2, up)
			// Told to stop, the engine doesn't start them again.
			containers.Docker(t, "stop", "-t", "30", head.ID, worker.ID)
			for _, n := range nodes {
				if code := containers.Docker(t, "inspect", "-f", "{{.State.ExitCode}}", n.ID); code != "143" {
					t.Errorf("%s ended with code %s, want 143", n.Name, code)
				}
			}
		})
	}
}

// TestLossIgnored: the job goes on without a worker, and gets another one.
func TestLossIgnored(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := containers.Host{Env: []string{"SYMINIT_ON_LOSS=ignore"}, Args: []string{"python3", "/jobs/count.py"}}
	head, worker := c.Pair(h)
	head.WaitLog("JOB nodes=2", up)
	worker.Signal("KILL")
	containers.WantExits(t, up, 137, worker)
	head.WaitLog("JOB nodes=1", up)
	h.Env, h.Name = append(h.Env, "SYMINIT_NODES=2"), "worker2"
	worker2 := c.Run(h)
	head.WaitLogTimes("JOB nodes=2", 2, up)
	head.Signal("TERM")
	containers.WantExits(t, up, 143, head, worker2)
	head.WantLog("the run goes on without it")
}

// TestLossIgnoredAndBack: the lost worker's own container is started again, and is
// ready by its own Ray, not by the entry that its predecessor still has in Ray's
// list.
func TestLossIgnoredAndBack(t *testing.T) {
	const isUp, isBack = "Ray is up on every node", "node is ready in the run that is going"
	start := func(t *testing.T, env ...string) (head, worker *containers.Container) {
		t.Helper()
		t.Parallel()
		h := containers.Host{Env: append(env, "SYMINIT_ON_LOSS=ignore"), Args: []string{"python3", "/jobs/again.py"}}
		head, worker = newCluster(t).Pair(h)
		head.WaitLog("JOB alive=2 dead=0", up)
		return head, worker
	}
	again := func(t *testing.T, worker *containers.Container) {
		t.Helper()
		address := worker.Address()
		worker.Signal("KILL")
		containers.WantExits(t, up, 137, worker)
		worker.StartAgain()
		if now := worker.Address(); now != address {
			t.Fatalf("it is back at %s, and was at %s", now, address)
		}
	}
	used := func(t *testing.T, head, worker *containers.Container) {
		t.Helper()
		head.WaitLog("JOB task host=worker", up)
		head.Signal("TERM")
		containers.WantExits(t, up, 143, head, worker)
	}
	t.Run("at once", func(t *testing.T) {
		head, worker := start(t)
		again(t, worker)
		head.WaitLog(isBack, up)
		worker.Exec("pgrep -x raylet")
		used(t, head, worker)
	})
	t.Run("later", func(t *testing.T) {
		head, worker := start(t, "SYMINIT_RAY_BIN=/jobs/gated-ray")
		worker.Exec("touch /tmp/gate")
		again(t, worker)
		head.WaitLog("JOB alive=1 dead=1", up)
		if n := strings.Count(worker.Logs(), isUp); n != 1 {
			t.Fatal("it is ready before its Ray has started")
		}
		worker.Exec("rm /tmp/gate")
		worker.WaitLogTimes(isUp, 2, up)
		used(t, head, worker)
	})
}

// TestMoreNodesThanNeeded: the job starts with NODES, and one more joins.
func TestMoreNodesThanNeeded(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := containers.Host{Env: []string{"SYMINIT_MAX_NODES=3"}, Args: []string{"python3", "/jobs/count.py"}}
	head, worker := c.Pair(h)
	head.WaitLog("JOB nodes=2", up)
	h.Env, h.Name = append(h.Env, "SYMINIT_NODES=2"), "third"
	third := c.Run(h)
	head.WaitLog("JOB nodes=3", up)
	third.Signal("TERM")
	containers.WantExits(t, up, 143, head, worker, third)
	if took := head.Left.Sub(third.Left); took > 10*time.Second {
		t.Errorf("the head stayed %s longer", took)
	}
}
