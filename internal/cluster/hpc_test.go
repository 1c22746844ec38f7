package cluster_test

import (
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/cluster"
)

// TestOpenMPI: the files are what `env` wrote in processes of a real mpirun 4.1.4 on
// two hosts, without what is the user's own, such as PATH.
func TestOpenMPI(t *testing.T) {
	env := func(size, rank, local string) []string {
		return []string{
			"OMPI_COMM_WORLD_SIZE=" + size, "OMPI_COMM_WORLD_RANK=" + rank, "OMPI_COMM_WORLD_LOCAL_SIZE=" + local,
			"OMPI_COMM_WORLD_LOCAL_RANK=0", "OMPI_COMM_WORLD_NODE_RANK=0",
		}
	}
	run(t, "openmpi", []tableCase{
		{name: "ppr:1:node, first", file: "openmpi/one-a-node-rank0.env", want: cluster.Facts{Nodes: 2}},
		{name: "ppr:1:node, second", file: "openmpi/one-a-node-rank1.env", want: cluster.Facts{Nodes: 2, Rank: 1}},
		{name: "ppr:2:node", file: "openmpi/two-a-node-rank3.env", err: "OMPI_COMM_WORLD_LOCAL_SIZE=2"},
		{name: "mpirun -np 2", file: "openmpi/one-node-rank1.env", want: cluster.Facts{Nodes: 1}},
		{name: "one a node", env: env("4", "3", "1"), want: cluster.Facts{Nodes: 4, Rank: 3}},
		{name: "all on one node", env: env("4", "3", "4"), want: cluster.Facts{Nodes: 1}},
		{name: "two a node", env: env("4", "3", "2"), err: "OMPI_COMM_WORLD_LOCAL_SIZE=2"},
		{name: "no number", env: env("4", "3", "x"), err: "OMPI_COMM_WORLD_LOCAL_SIZE"},
	})
}

func TestFlux(t *testing.T) {
	env := func(nodes, size, rank string) []string {
		return []string{"FLUX_JOB_NNODES=" + nodes, "FLUX_JOB_SIZE=" + size, "FLUX_TASK_RANK=" + rank, "FLUX_TASK_LOCAL_ID=0", "FLUX_JOB_ID=42"}
	}
	run(t, "flux", []tableCase{
		{name: "one a node", env: env("4", "4", "3"), want: cluster.Facts{Nodes: 4, Rank: 3}},
		{name: "one node", env: env("1", "8", "3"), want: cluster.Facts{Nodes: 1}},
		{name: "two a node", env: env("2", "4", "3"), err: "flux run -N 2 --tasks-per-node=1"},
		{name: "no number", env: env("2", "2", "x"), err: "FLUX_TASK_RANK"},
	})
}

func TestLSF(t *testing.T) {
	const domain = "cluster-name.research.department.university-of-somewhere.example.edu"
	hosts := []string{"LSB_JOBID=7", "LSB_MCPU_HOSTS=hostA 4 hostB 2 hostA 1 "}
	names := []string{"hostA", "hostB"}
	run(t, "lsf", []tableCase{
		{name: "first", host: "hostA", env: hosts, want: cluster.Facts{Nodes: 2, Head: "hostA", Names: names}},
		{name: "second, with its domain", host: "hostb.example.com", env: hosts, want: cluster.Facts{Nodes: 2, Rank: 1, Head: "hostA", Names: names}},
		{name: "a container's own name", host: "3f2a", env: hosts, err: "this host is 3f2a, which is not in LSB_MCPU_HOSTS"},
		{name: "one host", host: "3f2a", env: []string{"LSB_MCPU_HOSTS=hostA 16"}, want: cluster.Facts{Nodes: 1, Head: "hostA"}},
		{
			name: "names that no host can have", host: "gpu-node-0001", env: []string{"LSB_MCPU_HOSTS=gpu-node-0001." + domain + " 4 b 4"},
			want: cluster.Facts{Nodes: 2, Head: "gpu-node-0001." + domain, Names: []string{"gpu-node-0001", "b"}},
		},
		{name: "a label that no host can have", host: "b", env: []string{"LSB_MCPU_HOSTS=" + strings.Repeat("a", 65) + " 4 b 4"}, err: "the 64 bytes that a host's can have; next: correct it (LSB_MCPU_HOSTS)"},
		{name: "two fit", host: "a", env: []string{"LSB_MCPU_HOSTS=a.x 1 a.y 1"}, err: "a fits a.x and a.y"},
		{name: "no slots", host: "a", env: []string{"LSB_MCPU_HOSTS=a b c d"}, err: `"b" is not a number of slots`},
		{name: "nothing", host: "a", env: []string{"LSB_MCPU_HOSTS=a"}, err: "names no hosts"},
	})
}

func TestPBS(t *testing.T) {
	run(t, "pbs", []tableCase{
		{name: "second", host: "n002", env: []string{"PBS_NODEFILE=/var/spool/pbs/aux/17.head"}, want: cluster.Facts{Nodes: 2, Rank: 1, Head: "n001.cluster", Names: []string{"n001.cluster", "n002.cluster"}}},
		{name: "one node", host: "3f2a", env: []string{"PBS_NODEFILE=/var/spool/pbs/aux/19.alone"}, want: cluster.Facts{Nodes: 1, Head: "n001"}},
		{name: "not mounted", env: []string{"PBS_NODEFILE=/nowhere"}, err: "mount that file into the container"},
		{name: "empty", env: []string{"PBS_NODEFILE=/var/spool/pbs/aux/18.empty"}, err: "names no hosts"},
	})
}
