package docker

import (
	"testing"
	"time"
)

// TestStartOrder: a minute between the first and the second node, in either
// order.
func TestStartOrder(t *testing.T) {
	for _, first := range []string{"head", "worker"} {
		t.Run(first+" first", func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			second := map[string]string{"head": "worker", "worker": "head"}[first]
			h := host{env: []string{"SYMINIT_NODES=2"}, args: []string{"python3", "/jobs/nodes.py"}}
			h.name = first
			one := c.run(h)
			// The minute is the condition: nothing may give up in it.
			select {
			case <-one.done:
				t.Fatalf("%s gave up", first)
			case <-time.After(time.Minute):
			}
			h.name = second
			wantExits(t, up, 0, one, c.run(h))
		})
	}
}

// TestMissingNode: the head gives up after JOIN_TIMEOUT and says what is
// missing, and so does the worker that waits with it.
func TestMissingNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := host{env: []string{"SYMINIT_NODES=3", "SYMINIT_JOIN_TIMEOUT=8s"}, args: []string{"true"}}
	h.name = "head"
	head := c.run(h)
	h.name = "worker"
	worker := c.run(h)
	wantExits(t, up, 69, head, worker)
	head.wantLog("2 of 3 nodes", "worker")
}
