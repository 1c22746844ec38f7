package docker

import (
	"strings"
	"testing"
	"time"
)

// vllm is a host of vLLM's own backend, with a stand-in for vLLM.
func vllm(behaviour string, args ...string) host {
	return host{
		env:  []string{"SYMINIT_RUNTIME=mp", "FAKE=" + behaviour},
		args: append([]string{"/jobs/vllm", "serve"}, args...),
	}
}

// vllmArgs is what the node's vLLM was called with.
func vllmArgs(n *container) (args string) {
	for line := range strings.Lines(n.logs()) {
		if rest, ok := strings.CutPrefix(line, "VLLM serve "); ok {
			args = strings.TrimSpace(rest)
		}
	}
	return args
}

// TestMPCommandLine: what vLLM gets on each node, and that TERM on either ends
// both with the code of the head's, which serves.
func TestMPCommandLine(t *testing.T) {
	for _, tt := range []struct {
		name, told   string
		args         []string
		head, worker string
	}{
		{
			"tensor parallel", "head",
			[]string{"MODEL", "-tp", "2"},
			"MODEL -tp 2 --nnodes 2 --node-rank 0 --master-addr HEAD --master-port 29501",
			"MODEL -tp 2 --nnodes 2 --node-rank 1 --master-addr HEAD --master-port 29501 --headless",
		},
		{
			// As people write it, when the image's ENTRYPOINT has it already.
			"doubled", "worker",
			[]string{"vllm", "serve", "MODEL", "-tp", "2", "--master-port=1234"},
			"MODEL -tp 2 --master-port=1234 --nnodes 2 --node-rank 0 --master-addr HEAD",
			"MODEL -tp 2 --master-port=1234 --nnodes 2 --node-rank 1 --master-addr HEAD --headless",
		},
		{
			"data parallel", "worker",
			[]string{"MODEL", "--data-parallel-size", "4"},
			"MODEL --data-parallel-size 4 --data-parallel-size-local 2 --data-parallel-address HEAD --data-parallel-rpc-port 29550",
			"MODEL --data-parallel-size 4 --data-parallel-size-local 2 --data-parallel-address HEAD --data-parallel-rpc-port 29550 --data-parallel-start-rank 2 --headless",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker := pair(c, vllm("serve", tt.args...))
			nodes := map[string]*container{"head": head, "worker": worker}
			for _, n := range nodes {
				n.waitLog("VLLM up", up)
			}
			addr := docker(t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", head.id)
			for n, line := range map[*container]string{head: tt.head, worker: tt.worker} {
				if got, want := vllmArgs(n), strings.ReplaceAll(line, "HEAD", addr); got != want {
					t.Errorf("vLLM got on %s\n%q, want\n%q", n.name, got, want)
				}
			}
			stopped := time.Now()
			docker(t, "kill", "--signal", "TERM", nodes[tt.told].id)
			wantExits(t, up, 0, head, worker)
			for _, n := range nodes {
				if took := n.left.Sub(stopped); took > 9*time.Second {
					t.Errorf("%s stayed %s after TERM", n.name, took)
				}
			}
			head.wantLog("VLLM ends", "after SIGTERM")
			if tt.name == "doubled" {
				head.wantLog("says `vllm serve` twice")
			}
		})
	}
}

// TestMPConflict: what the user wrote and can't be is told on every node, with
// the other side of it.
func TestMPConflict(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, vllm("serve", "MODEL", "-tp", "2", "--nnodes", "3"))
	wantExits(t, up, 64, head, worker)
	for _, n := range []*container{head, worker} {
		n.wantLog("`--nnodes 3`", "SYMINIT_NODES is 2")
	}
}

// TestMPServerLeaves: vLLM exits with 0 when its engine is dead, and leaves the
// headless node where it is.
func TestMPServerLeaves(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, vllm("leaves", "MODEL", "-tp", "2"))
	wantExits(t, up, 1, head, worker)
	worker.wantLog("the server ended unasked with code 0", "(rank 0, head)")
	if took := worker.left.Sub(head.left); took > 5*time.Second {
		t.Errorf("the headless node stayed %s longer", took)
	}
}

// TestMPEngineDies on the headless node: the head's vLLM would not notice.
func TestMPEngineDies(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, vllm("dies", "MODEL", "-tp", "2"))
	wantExits(t, up, 1, head, worker)
	head.wantLog("| RuntimeError: engine died", "(rank 1, worker)")
}

// TestMPWaitsForAPeer: vLLM heeds only the second TERM then.
func TestMPWaitsForAPeer(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, vllm("waits", "MODEL", "-tp", "2"))
	head.waitLog("VLLM up", up)
	docker(t, "kill", "--signal", "TERM", worker.id)
	wantExits(t, up, 1, head, worker)
	head.wantLog("sending it again")
}

// TestMPHeadIsKilled: the headless node doesn't stay.
func TestMPHeadIsKilled(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, vllm("serve", "MODEL", "-tp", "2"))
	worker.waitLog("VLLM up", up)
	docker(t, "kill", head.id)
	wantExits(t, up, 137, head)
	wantExits(t, up, 69, worker)
}
