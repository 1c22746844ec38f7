package docker

import (
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// TestStartOrder: a minute between the first and the second node, in either
// order.
func TestStartOrder(t *testing.T) {
	for _, first := range []string{"head", "worker"} {
		t.Run(first+" first", func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			second := map[string]string{"head": "worker", "worker": "head"}[first]
			h := containers.Host{Env: []string{"SYMINIT_NODES=2"}, Args: []string{"python3", "/jobs/nodes.py"}}
			h.Name = first
			one := c.Run(h)
			// The minute is the condition: nothing may give up in it.
			select {
			case <-one.Done:
				t.Fatalf("%s gave up", first)
			case <-time.After(time.Minute):
			}
			h.Name = second
			containers.WantExits(t, up, 0, one, c.Run(h))
		})
	}
}

// TestMissingNode: the head gives up after JOIN_TIMEOUT and says what is
// missing, and so does the worker that waits with it. The worker runs when the
// head's time begins: to start a container may take as long as that.
func TestMissingNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := containers.Host{Env: []string{"SYMINIT_NODES=3"}, Args: []string{"true"}}
	h.Name = "worker"
	worker := c.Run(h)
	worker.WaitLog("waiting for the head", up)
	h.Name, h.Env = "head", append(h.Env, "SYMINIT_JOIN_TIMEOUT=8s")
	head := c.Run(h)
	containers.WantExits(t, up, 69, head, worker)
	head.WantLog("2 of 3 nodes", "worker")
}
