package docker

import (
	"testing"
	"time"
)

// TestTermOnAnyNodeEndsTheRun: docker stop on one node ends all of them with
// the job's code, within STOP_TIMEOUT.
func TestTermOnAnyNodeEndsTheRun(t *testing.T) {
	for _, onHead := range []bool{true, false} {
		name := "worker"
		if onHead {
			name = "head"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker := pair(c, host{args: []string{"python3", "/jobs/forever.py"}})
			head.waitLog("JOB up nodes=2", up)
			told := worker
			if onHead {
				told = head
			}
			stopped := time.Now()
			docker(t, "kill", "--signal", "TERM", told.id)
			wantExits(t, up, 143, head, worker)
			worker.wantLog("SIGTERM")
			for _, n := range []*container{head, worker} {
				if took := n.left.Sub(stopped); took > 9*time.Second {
					t.Errorf("%s stayed %s after TERM", n.name, took)
				}
			}
		})
	}
}

// TestTermIgnoredByTheJob: a job that ignores TERM is killed in time.
func TestTermIgnoredByTheJob(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, host{args: []string{"sh", "-c", "trap '' TERM; echo JOB up; while :; do sleep 1; done"}})
	head.waitLog("JOB up", up)
	docker(t, "stop", "-t", "10", worker.id)
	wantExits(t, up, 137, head, worker)
	head.wantLog("SYMINIT_STOP_TIMEOUT")
}

// TestTermWhileGathering: a node that waits for the others leaves at once.
func TestTermWhileGathering(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head := c.run(host{name: "head", env: []string{"SYMINIT_NODES=2"}, args: []string{"true"}})
	head.waitLog("1/2 nodes", up)
	docker(t, "kill", "--signal", "TERM", head.id)
	wantExits(t, up, 143, head)
}

// TestTermWhileStarting: Ray is coming up and the job hasn't started.
func TestTermWhileStarting(t *testing.T) {
	for _, onHead := range []bool{true, false} {
		name := map[bool]string{true: "head", false: "worker"}[onHead]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker := pair(c, host{args: []string{"python3", "/jobs/forever.py"}})
			told := worker
			if onHead {
				told = head
			}
			told.waitLog("starting Ray", up)
			stopped := time.Now()
			docker(t, "kill", "--signal", "TERM", told.id)
			wantExits(t, up, 143, head, worker)
			head.wantLog("SIGTERM")
			for _, n := range []*container{head, worker} {
				if took := n.left.Sub(stopped); took > 9*time.Second {
					t.Errorf("%s stayed %s after TERM", n.name, took)
				}
			}
		})
	}
}
