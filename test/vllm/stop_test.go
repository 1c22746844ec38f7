package vllm

import "testing"

// TestTermOnTheWorker: docker stop on the node that serves nothing ends both.
func TestTermOnTheWorker(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker := c.Pair(m.host())
			head.WaitLog(serving, up)
			stop(t, worker, head, worker)
		})
	}
}

// TestTermWhileStarting: on either node, before vLLM has an engine.
func TestTermWhileStarting(t *testing.T) {
	for _, m := range modes {
		for _, onHead := range []bool{true, false} {
			name := map[bool]string{true: "head", false: "worker"}[onHead]
			t.Run(m.name+", "+name, func(t *testing.T) {
				t.Parallel()
				c := newCluster(t)
				head, worker := c.Pair(m.host())
				head.WaitLog("non-default args", up)
				told := worker
				if onHead {
					told = head
				}
				stop(t, told, head, worker)
			})
		}
	}
}
