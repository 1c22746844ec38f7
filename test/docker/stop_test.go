package docker

import (
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
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
			head, worker := c.Pair(containers.Host{Args: []string{"python3", "/jobs/forever.py"}})
			head.WaitLog("JOB up nodes=2", up)
			told := worker
			if onHead {
				told = head
			}
			stopped := time.Now()
			told.Signal("TERM")
			containers.WantExits(t, up, 143, head, worker)
			worker.WantLog("SIGTERM")
			for _, n := range []*containers.Container{head, worker} {
				if took := n.Left.Sub(stopped); took > 9*time.Second {
					t.Errorf("%s stayed %s after TERM", n.Name, took)
				}
			}
		})
	}
}

// TestTermIgnoredByTheJob: a job that ignores TERM is killed in time.
func TestTermIgnoredByTheJob(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{Args: []string{"sh", "-c", "trap '' TERM; echo JOB up; while :; do sleep 1; done"}})
	head.WaitLog("JOB up", up)
	containers.Docker(t, "stop", "-t", "10", worker.ID)
	containers.WantExits(t, up, 137, head, worker)
	head.WantLog("SYMINIT_STOP_TIMEOUT")
}

// TestTermWhileGathering: nodes that wait for one more leave at once, whichever of
// them is told to stop, and say which one that was.
func TestTermWhileGathering(t *testing.T) {
	for _, name := range []string{"head", "worker"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			nodes := map[string]*containers.Container{}
			for _, host := range []string{"head", "worker"} {
				nodes[host] = c.Run(containers.Host{Name: host, Env: []string{"SYMINIT_NODES=3"}, Args: []string{"true"}})
			}
			for _, n := range nodes {
				n.WaitLog("2/3 nodes", up)
			}
			told := "run over: SIGTERM on node head before"
			if name == "worker" {
				told = "run over: SIGTERM on node worker (" + nodes["worker"].Address() + ") before"
			}
			nodes[name].Signal("TERM")
			containers.WantExits(t, up, 143, nodes["head"], nodes["worker"])
			for _, n := range nodes {
				n.WantLog(told)
			}
		})
	}
}

// TestTermBeforeTheHead: a worker whose head isn't there leaves by itself.
func TestTermBeforeTheHead(t *testing.T) {
	t.Parallel()
	worker := newCluster(t).Run(containers.Host{Name: "worker", Env: []string{"SYMINIT_NODES=2", "SYMINIT_ROLE=worker"}, Args: []string{"true"}})
	worker.WaitLog("waiting for the head", up)
	worker.Signal("TERM")
	containers.WantExits(t, up, 143, worker)
	worker.WantLog("run over: SIGTERM on node worker before")
}

// TestTermWhileStarting: Ray is coming up and the job hasn't started; one that has,
// because the TERM took so long to arrive, ends with the same code.
func TestTermWhileStarting(t *testing.T) {
	for _, onHead := range []bool{true, false} {
		name := map[bool]string{true: "head", false: "worker"}[onHead]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker := c.Pair(containers.Host{Args: []string{"sleep", "1000"}})
			told := worker
			if onHead {
				told = head
			}
			told.WaitLog("starting Ray", up)
			stopped := time.Now()
			told.Signal("TERM")
			containers.WantExits(t, up, 143, head, worker)
			head.WantLog("SIGTERM")
			for _, n := range []*containers.Container{head, worker} {
				if took := n.Left.Sub(stopped); took > 9*time.Second {
					t.Errorf("%s stayed %s after TERM", n.Name, took)
				}
			}
		})
	}
}
