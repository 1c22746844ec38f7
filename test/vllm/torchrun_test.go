package vllm

import (
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// torchrun is its command line for any number of nodes, the same on each.
func torchrun(script string) containers.Host {
	return containers.Host{
		Env: []string{"SYMINIT_RUNTIME=spmd", "OMP_NUM_THREADS=1"},
		Args: []string{
			"torchrun", "--nnodes=$(SYMINIT_NODES)", "--node-rank=$(SYMINIT_RANK)", "--nproc-per-node=1",
			"--master-addr=$(SYMINIT_HEAD_IP)", "--master-port=$(MASTER_PORT)", script,
		},
	}
}

// TestTorchrun: an all-reduce over gloo has the right sum on both nodes.
func TestTorchrun(t *testing.T) {
	t.Parallel()
	head, worker := newCluster(t).Pair(torchrun("/jobs/allreduce.py"))
	containers.WantExits(t, up, 0, head, worker)
	head.WantLog("JOB head: rank 0 of 2, sum 11", "every node's job has ended with code 0")
	worker.WantLog("JOB worker: rank 1 of 2, sum 11")
}

// TestTorchrunFails: a process that dies on the worker ends both nodes, and the
// head says why.
func TestTorchrunFails(t *testing.T) {
	t.Parallel()
	head, worker := newCluster(t).Pair(torchrun("/jobs/dies.py"))
	containers.WantExits(t, up, 1, head, worker)
	head.WantLog("(rank 1, worker)", "ValueError: bad batch")
}
