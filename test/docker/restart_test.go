package docker

import (
	"testing"
	"time"
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
			head, worker := pair(c, host{env: []string{"SYMINIT_RESTARTS=" + tt.restarts}, args: []string{"sh", "-c", job}})
			wantExits(t, up, tt.want, head, worker)
			head.wantLog("starting it again")
			if tt.want == 0 {
				head.wantLog("JOB nodes=2", "JOB task host=worker")
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
			h := host{
				env: []string{"SYMINIT_RESTARTS=unlimited"}, options: []string{"--restart", "on-failure"},
				args: []string{"python3", "/jobs/forever.py"},
			}
			head, worker := pair(c, h)
			nodes := map[string]*container{"head": head, "worker": worker}
			head.waitLog("JOB up nodes=2", up)
			nodes[victim].kill("^syminit-agent")
			head.waitLogTimes("JOB up nodes=2", 2, up)
			// Told to stop, the engine doesn't start them again.
			docker(t, "stop", "-t", "30", head.id, worker.id)
			for _, n := range nodes {
				if code := docker(t, "inspect", "-f", "{{.State.ExitCode}}", n.id); code != "143" {
					t.Errorf("%s ended with code %s, want 143", n.name, code)
				}
			}
		})
	}
}

// TestLossIgnored: the job goes on without a worker, and gets another one.
func TestLossIgnored(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := host{env: []string{"SYMINIT_ON_LOSS=ignore"}, args: []string{"python3", "/jobs/count.py"}}
	head, worker := pair(c, h)
	head.waitLog("JOB nodes=2", up)
	docker(t, "kill", "--signal", "KILL", worker.id)
	wantExits(t, up, 137, worker)
	head.waitLog("JOB nodes=1", up)
	h.env, h.name = append(h.env, "SYMINIT_NODES=2"), "worker2"
	worker2 := c.run(h)
	head.waitLogTimes("JOB nodes=2", 2, up)
	docker(t, "kill", "--signal", "TERM", head.id)
	wantExits(t, up, 143, head, worker2)
	head.wantLog("the run goes on without it")
}

// TestMoreNodesThanNeeded: the job starts with NODES, and one more joins.
func TestMoreNodesThanNeeded(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := host{env: []string{"SYMINIT_MAX_NODES=3"}, args: []string{"python3", "/jobs/count.py"}}
	head, worker := pair(c, h)
	head.waitLog("JOB nodes=2", up)
	h.env, h.name = append(h.env, "SYMINIT_NODES=2"), "third"
	third := c.run(h)
	head.waitLog("JOB nodes=3", up)
	docker(t, "kill", "--signal", "TERM", third.id)
	wantExits(t, up, 143, head, worker, third)
	if took := head.left.Sub(third.left); took > 10*time.Second {
		t.Errorf("the head stayed %s longer", took)
	}
}
