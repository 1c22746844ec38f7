package docker

import (
	"strings"
	"testing"
	"time"
)

// up is how long a run may take to start or end on a loaded machine; no test
// depends on it being short.
const up = 2 * time.Minute

// three starts a head and two workers with the same command.
func three(c *cluster, h host) (head, worker1, worker2 *container) {
	h.env = append(h.env, "SYMINIT_NODES=3")
	for _, n := range []struct {
		name string
		to   **container
	}{{"head", &head}, {"worker1", &worker1}, {"worker2", &worker2}} {
		h.name = n.name
		*n.to = c.run(h)
	}
	return head, worker1, worker2
}

// pair starts a head and a worker with the same command.
func pair(c *cluster, h host) (head, worker *container) {
	h.env = append(h.env, "SYMINIT_NODES=2")
	h.name = "head"
	head = c.run(h)
	h.name = "worker"
	return head, c.run(h)
}

func TestJobRunsOnEveryNodeAndItsCodeReachesAll(t *testing.T) {
	for _, code := range []struct {
		name string
		want int
	}{{"0", 0}, {"3", 3}} {
		t.Run("code="+code.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker1, worker2 := three(c, host{env: []string{"EXIT_CODE=" + code.name}, args: []string{"python3", "/jobs/nodes.py"}})
			wantExits(t, up, code.want, head, worker1, worker2)
			head.wantLog("JOB nodes=3", "JOB task host=head", "JOB task host=worker1", "JOB task host=worker2")
			for _, w := range []*container{worker1, worker2} {
				if strings.Contains(w.logs(), "JOB nodes") {
					t.Errorf("the job ran on %s too", w.name)
				}
			}
		})
	}
}
