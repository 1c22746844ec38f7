package vllm

import (
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// TestKilledEngine: the process that computes on the worker is killed. vLLM
// itself would end with 0; here no node does, and the head says why.
func TestKilledEngine(t *testing.T) {
	inEachMode(t, serving, func(t *testing.T, m mode, head, worker *containers.Container) {
		worker.Kill(m.process)
		codes := []int{head.Exit(up), worker.Exit(up)}
		if codes[0] == 0 || codes[1] != codes[0] {
			t.Errorf("the nodes ended with %v, want one code that is not 0", codes)
		}
		head.WantLog(m.lastWords, "run over:")
		worker.WantLog("run over:")
	})
}

// TestKilledHead: the worker leaves when the head's container is gone.
func TestKilledHead(t *testing.T) {
	inEachMode(t, serving, func(t *testing.T, _ mode, head, worker *containers.Container) {
		head.Signal("KILL")
		containers.WantExits(t, up, 137, head)
		containers.WantExits(t, up, 69, worker)
		worker.WantLog("lost the head")
		t.Logf("worker gone %.1f s after the head", worker.Left.Sub(head.Left).Seconds())
	})
}

// TestKilledServer: vLLM's first process is killed, as for want of memory. The
// others, which by themselves would stay and hold what they have, are swept.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(modes[0].host())
	head.WaitLog(serving, up)
	head.Kill("^[^ ]*python3 [^ ]*vllm serve")
	containers.WantExits(t, up, 137, head, worker)
	head.WantLog("killed by SIGKILL", "processes are left", "VLLM::EngineCor")
}
