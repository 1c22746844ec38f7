package vllm

import (
	"slices"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// TestTermOnTheWorker: docker stop on the node that serves nothing ends both.
func TestTermOnTheWorker(t *testing.T) {
	inEachMode(t, serving, func(t *testing.T, _ mode, head, worker *containers.Container) {
		stop(t, []int{0}, worker, head, worker)
	})
}

// whileStarting are vLLM's own code, and the signal's where it doesn't listen for it
// yet.
var whileStarting = []int{1, 143}

// TestTermWhileStarting: before vLLM has an engine, and while its engine starts
// and the nodes wait for each other. The head isn't healthy
// then, and at the second moment one TERM is not enough for vLLM.
func TestTermWhileStarting(t *testing.T) {
	for name, tt := range map[string]struct {
		moment string // what the head has printed
		told   func(head, worker *containers.Container) *containers.Container
	}{
		"head, no engine":         {"non-default args", func(head, _ *containers.Container) *containers.Container { return head }},
		"worker, engine starting": {"Initializing a V1 LLM engine", func(_, worker *containers.Container) *containers.Container { return worker }},
	} {
		t.Run(name, func(t *testing.T) {
			inEachMode(t, tt.moment, func(t *testing.T, _ mode, head, worker *containers.Container) {
				if out, err := containers.TryDocker("exec", head.ID, "syminit", "health"); err == nil {
					t.Errorf("a head whose vLLM starts is healthy: %s", out)
				}
				stop(t, whileStarting, tt.told(head, worker), head, worker)
			})
		})
	}
}

// TestTermWhileStartingAlone: one node, without a cluster.
func TestTermWhileStartingAlone(t *testing.T) {
	t.Parallel()
	n := newCluster(t).Run(containers.Host{Name: "head", Env: append(slices.Clip(environment), "SYMINIT_NODES=1"), Args: serve})
	n.WaitLog("Initializing a V1 LLM engine", up)
	stop(t, whileStarting, n, n)
}
