package cluster_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/syminit/syminit/internal/cluster"
)

// TestSlurm: the files are what `env` wrote in tasks of a real Slurm 22.05.8.
func TestSlurm(t *testing.T) {
	addr := func(s string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(s)} }
	three := []string{"node1", "node2", "node3"}
	run(t, "slurm", []tableCase{
		{name: "first", file: "slurm/sbatch-N3-srun-rank0.env", want: cluster.Facts{Nodes: 3, Rank: 0, Head: "node1", Names: three, Addrs: addr("10.231.77.11")}},
		{name: "second", file: "slurm/sbatch-N3-srun-rank1.env", want: cluster.Facts{Nodes: 3, Rank: 1, Head: "node1", Names: three, Addrs: addr("10.231.77.11")}},
		{name: "srun alone", file: "slurm/srun-direct-N2-rank1.env", want: cluster.Facts{Nodes: 2, Rank: 1, Head: "node1", Addrs: addr("10.231.77.1")}},
		// SLURM_NODELIST has three nodes here; srun runs on node1, which isn't the head.
		{name: "on a part", file: "slurm/sbatch-N3-srun-subset23-rank0.env", want: cluster.Facts{Nodes: 2, Rank: 0, Head: "node2", Names: []string{"node2", "node3"}}},
		// SLURM_NODEID is 0 on node3 and 1 on node1; the list is sorted.
		{name: "heterogeneous", file: "slurm/het-both-node3.env", want: cluster.Facts{Nodes: 3, Rank: 2, Head: "node1", Names: three}},
		{name: "heterogeneous, second", file: "slurm/het-both-node1.env", want: cluster.Facts{Nodes: 3, Rank: 0, Head: "node1", Names: three}},
		// srun runs on node3 here, the first component's: its address isn't the head's.
		{name: "heterogeneous, sbatch", file: "slurm/het-sbatch-node1.env", want: cluster.Facts{Nodes: 3, Rank: 0, Head: "node1", Names: three}},
		{name: "one component", file: "slurm/het-group1-node2.env", want: cluster.Facts{Nodes: 2, Rank: 1, Head: "node1"}},

		{name: "sbatch without srun", file: "slurm/sbatch-N3-batchstep.env", err: "the job has 3 nodes, but this process was started on one of them only"},
		{name: "salloc without srun", file: "slurm/salloc-shell.env", err: "the job has 2 nodes, but this process was started on one"},
		{name: "several tasks a node", file: "slurm/sbatch-srun-2tasks-per-node-procid1.env", err: "4 tasks on 2 nodes"},
		{name: "sbatch called in a step", file: "slurm/sbatch-from-a-step.env", err: "SLURM_STEP_NUM_NODES is 1 and SLURM_NNODES 2"},
	})
	step := func(more ...string) []string {
		return append([]string{
			"SLURM_JOB_ID=1", "SLURM_STEP_ID=0", "SLURM_STEP_NUM_NODES=2", "SLURM_STEP_NUM_TASKS=2", "SLURM_NODEID=1",
			"SLURM_STEP_NODELIST=n[1-2]", "SLURM_JOB_NODELIST=n[1-2]", "SLURM_NNODES=2",
		}, more...)
	}
	run(t, "slurm", []tableCase{
		{name: "ends", env: step("SLURM_JOB_END_TIME=1800000000"), want: cluster.Facts{Nodes: 2, Rank: 1, Head: "n1", End: time.Unix(1800000000, 0)}},
		{name: "components in the list's order", env: step("SLURM_JOB_NODELIST_HET_GROUP_0=n1", "SLURM_LAUNCH_NODE_IPADDR=10.0.0.1"), want: cluster.Facts{Nodes: 2, Rank: 1, Head: "n1", Addrs: addr("10.0.0.1")}},
		{name: "cloud", env: step("SLURM_NODE_ALIASES=n2:10.0.0.2:h2,n1:10.0.0.1:h1"), want: cluster.Facts{Nodes: 2, Rank: 1, Head: "n1", Addrs: addr("10.0.0.1")}},
		{name: "cloud, IPv6", env: step("SLURM_NODE_ALIASES=n1:[fd00::1]:h1"), want: cluster.Facts{Nodes: 2, Rank: 1, Head: "n1", Addrs: addr("fd00::1")}},
		{name: "one node, several tasks", env: []string{
			"SLURM_JOB_ID=1", "SLURM_STEP_NUM_NODES=1", "SLURM_STEP_NUM_TASKS=8", "SLURM_NODEID=0", "SLURM_STEP_NODELIST=n7", "SLURM_NNODES=1",
		}, want: cluster.Facts{Nodes: 1, Head: "n7"}},
		{name: "one node, sbatch without srun", env: []string{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=1", "SLURM_JOB_NODELIST=n7"}, want: cluster.Facts{Nodes: 1, Head: "n7"}},

		{name: "interactive step", env: []string{
			"SLURM_JOB_ID=1", "SLURM_STEP_ID=4294967290", "SLURM_STEP_NUM_NODES=1", "SLURM_NODEID=0", "SLURM_STEP_NODELIST=n1", "SLURM_NNODES=2", "SLURM_JOB_NUM_NODES=2",
		}, err: "salloc's shell"},
		{name: "another node's", env: step("SLURMD_NODENAME=n9"), err: "this is node n9, which is not in SLURM_STEP_NODELIST"},
		{name: "another task's", env: step("SLURMD_NODENAME=n1"), err: "this is node n1, but SLURM_NODEID=1 is n2"},
		{name: "a part of the variables", env: []string{"SLURM_JOB_ID=1"}, err: "--env 'SLURM*'"},
		{name: "no rank", env: append([]string{"SLURM_NODEID=2"}, step()...), err: "SLURM_NODEID is 2"},
		{name: "a broken list", env: append([]string{"SLURM_STEP_NODELIST=n[1-"}, step()...), err: "SLURM_STEP_NODELIST"},
		{name: "a short list", env: append([]string{"SLURM_STEP_NODELIST=n1"}, step()...), err: "lists 1 nodes"},
		{name: "an endless list", env: append([]string{"SLURM_STEP_NODELIST=n[1-99999999]"}, step()...), err: "more than 65536 hosts"},
		{name: "no number", env: append([]string{"SLURM_STEP_NUM_NODES=two"}, step()...), err: `SLURM_STEP_NUM_NODES="two"`},
	})
}
