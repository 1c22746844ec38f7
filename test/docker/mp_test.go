package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// vllm is a host of vLLM's own backend, with a stand-in for vLLM.
func vllm(behaviour string, args ...string) containers.Host {
	return containers.Host{
		Env:  []string{"SYMINIT_RUNTIME=mp", "FAKE=" + behaviour},
		Args: append([]string{"/jobs/vllm", "serve"}, args...),
	}
}

// vllmArgs is what the node's vLLM was called with.
func vllmArgs(n *containers.Container) (args string) {
	for line := range strings.Lines(n.Logs()) {
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
			head, worker := c.Pair(vllm("serve", tt.args...))
			nodes := map[string]*containers.Container{"head": head, "worker": worker}
			for _, n := range nodes {
				n.WaitLog("VLLM up", up)
			}
			addr := containers.Docker(t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", head.ID)
			for n, line := range map[*containers.Container]string{head: tt.head, worker: tt.worker} {
				if got, want := vllmArgs(n), strings.ReplaceAll(line, "HEAD", addr); got != want {
					t.Errorf("vLLM got on %s\n%q, want\n%q", n.Name, got, want)
				}
			}
			stopped := time.Now()
			containers.Docker(t, "kill", "--signal", "TERM", nodes[tt.told].ID)
			containers.WantExits(t, up, 0, head, worker)
			for _, n := range nodes {
				if took := n.Left.Sub(stopped); took > 9*time.Second {
					t.Errorf("%s stayed %s after TERM", n.Name, took)
				}
			}
			head.WantLog("VLLM ends", "after SIGTERM")
			if tt.name == "doubled" {
				head.WantLog("says `vllm serve` twice")
			}
		})
	}
}

// TestMPConflict: what the user wrote and can't be is told on every node, with
// the other side of it.
func TestMPConflict(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(vllm("serve", "MODEL", "-tp", "2", "--nnodes", "3"))
	containers.WantExits(t, up, 64, head, worker)
	for _, n := range []*containers.Container{head, worker} {
		n.WantLog("`--nnodes 3`", "SYMINIT_NODES is 2")
	}
}

// TestMPServerLeaves: vLLM exits with 0 when its engine is dead, and leaves the
// headless node where it is.
func TestMPServerLeaves(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(vllm("leaves", "MODEL", "-tp", "2"))
	containers.WantExits(t, up, 1, head, worker)
	worker.WantLog("the server ended unasked with code 0", "(rank 0, head)")
	if took := worker.Left.Sub(head.Left); took > 5*time.Second {
		t.Errorf("the headless node stayed %s longer", took)
	}
}

// TestMPEngineDies on the headless node: the head's vLLM would not notice.
func TestMPEngineDies(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(vllm("dies", "MODEL", "-tp", "2"))
	containers.WantExits(t, up, 1, head, worker)
	head.WantLog("| RuntimeError: engine died", "(rank 1, worker)")
}

// TestMPWaitsForAPeer: vLLM heeds only the second TERM then.
func TestMPWaitsForAPeer(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(vllm("waits", "MODEL", "-tp", "2"))
	head.WaitLog("VLLM up", up)
	containers.Docker(t, "kill", "--signal", "TERM", worker.ID)
	containers.WantExits(t, up, 1, head, worker)
	head.WantLog("sending it again")
}

// TestMPHeadIsKilled: the headless node doesn't stay.
func TestMPHeadIsKilled(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(vllm("serve", "MODEL", "-tp", "2"))
	worker.WaitLog("VLLM up", up)
	containers.Docker(t, "kill", head.ID)
	containers.WantExits(t, up, 137, head)
	containers.WantExits(t, up, 69, worker)
}
