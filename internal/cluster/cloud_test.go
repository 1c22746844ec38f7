package cluster_test

import (
	"io/fs"
	"net/netip"
	"testing"

	"github.com/syminit/syminit/internal/cluster"
)

// The values are those of the projects' documents, which each source's own file names,
// where no test says otherwise.

// TestLWS: the files are what AddLWSVariables of LeaderWorkerSet v0.10.0
// (pkg/utils/pod/pod_utils.go@2161f38), when run, put into the containers of pods with
// a shared subdomain, and with one of each group's own.
func TestLWS(t *testing.T) {
	run(t, "lws", []tableCase{
		{name: "leader", file: "lws/leader.env", want: cluster.Facts{Nodes: 2, Head: "vllm-0.vllm.default"}},
		{name: "worker", file: "lws/worker.env", want: cluster.Facts{Nodes: 2, Rank: 1, Head: "vllm-0.vllm.default"}},
		{name: "a subdomain a group", file: "lws/unique-per-replica-worker3.env", want: cluster.Facts{Nodes: 4, Rank: 3, Head: "vllm-1.vllm-1.default"}},
		{name: "rank beyond size", env: []string{"LWS_GROUP_SIZE=4", "LWS_WORKER_INDEX=4"}, err: "LWS_WORKER_INDEX is 4, and LWS_GROUP_SIZE is 4"},
	})
}

func TestAWSBatch(t *testing.T) {
	env := func(index, main, addr string) []string {
		return []string{
			"AWS_BATCH_JOB_NUM_NODES=3", "AWS_BATCH_JOB_NODE_INDEX=" + index, "AWS_BATCH_JOB_MAIN_NODE_INDEX=" + main,
			"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS=" + addr,
		}
	}
	run(t, "aws-batch", []tableCase{
		{name: "main", env: env("0", "0", ""), want: cluster.Facts{Nodes: 3}},
		{name: "child", env: env("2", "0", "10.0.0.1"), want: cluster.Facts{Nodes: 3, Rank: 2, Head: "10.0.0.1"}},
		{name: "main in the middle", env: env("1", "1", ""), want: cluster.Facts{Nodes: 3}},
		{name: "before the main", env: env("0", "1", "10.0.0.1"), want: cluster.Facts{Nodes: 3, Rank: 1, Head: "10.0.0.1"}},
		{name: "behind the main", env: env("2", "1", "10.0.0.1"), want: cluster.Facts{Nodes: 3, Rank: 2, Head: "10.0.0.1"}},
		{name: "no number", env: env("2", "x", "10.0.0.1"), err: "AWS_BATCH_JOB_MAIN_NODE_INDEX"},
	})
}

// TestSkyPilot: the files are what `env` wrote in tasks of SkyPilot 0.14.1's own
// program for two nodes (sky/backends/task_codegen.py), on a real Ray and, by
// sky/skylet/executor/slurm.py, on a real Slurm 22.05.8. That one leaves Slurm's
// variables of the job in place and takes away those of the step.
func TestSkyPilot(t *testing.T) {
	ray, slurm := []string{"127.0.0.2", "127.0.0.3"}, []string{"10.231.78.11", "10.231.78.12"}
	run(t, "skypilot", []tableCase{
		{name: "Ray, first", file: "skypilot/ray-rank0.env", want: cluster.Facts{Nodes: 2, Head: ray[0], Names: ray}},
		{name: "Ray, second", file: "skypilot/ray-rank1.env", want: cluster.Facts{Nodes: 2, Rank: 1, Head: ray[0], Names: ray}},
		{name: "Slurm, first", file: "skypilot/slurm-rank0.env", want: cluster.Facts{Nodes: 2, Head: slurm[0], Names: slurm}},
		{name: "Slurm, second", file: "skypilot/slurm-rank1.env", want: cluster.Facts{Nodes: 2, Rank: 1, Head: slurm[0], Names: slurm}},
		{name: "no number", env: []string{"SKYPILOT_NUM_NODES=0", "SKYPILOT_NODE_RANK=0"}, err: "SKYPILOT_NUM_NODES"},
	})
}

// TestDstack: the files are what `env` wrote in a job that dstack 0.21.2's own runner
// started (execJob in runner/internal/runner/executor/executor.go@0dee238).
func TestDstack(t *testing.T) {
	ips := []string{"10.1.0.4", "10.1.0.5"}
	run(t, "dstack", []tableCase{
		{name: "first", file: "dstack/two-nodes-rank0.env", want: cluster.Facts{Nodes: 2, Head: ips[0], Names: ips}},
		{name: "second", file: "dstack/two-nodes-rank1.env", want: cluster.Facts{Nodes: 2, Rank: 1, Head: ips[0], Names: ips}},
		{name: "one node", file: "dstack/one-node.env", want: cluster.Facts{Nodes: 1}},
		{name: "no number", env: []string{"DSTACK_NODES_NUM=2", "DSTACK_NODE_RANK=-1"}, err: "DSTACK_NODE_RANK"},
	})
}

func TestLepton(t *testing.T) {
	run(t, "lepton", []tableCase{
		{
			name: "second", env: []string{"LEPTON_JOB_TOTAL_WORKERS=2", "LEPTON_JOB_WORKER_INDEX=1", "LEPTON_JOB_WORKER_PREFIX=worker", "LEPTON_SUBDOMAIN=env-job-98bw-job-svc"},
			want: cluster.Facts{Nodes: 2, Rank: 1, Head: "worker-0.env-job-98bw-job-svc"},
		},
		{name: "no number", env: []string{"LEPTON_JOB_TOTAL_WORKERS=2.5", "LEPTON_JOB_WORKER_INDEX=1"}, err: "LEPTON_JOB_TOTAL_WORKERS"},
	})
}

func TestRunpod(t *testing.T) {
	// MASTER_ADDR and WORLD_SIZE are there too, and the generic source agrees.
	run(t, "runpod", []tableCase{
		{
			name: "second", env: []string{
				"PRIMARY_ADDR=10.65.0.2", "MASTER_ADDR=10.65.0.2", "PRIMARY_PORT=29400", "MASTER_PORT=29400", "NODE_ADDR=10.65.0.3",
				"NODE_RANK=1", "NUM_NODES=2", "NUM_TRAINERS=8", "HOST_NODE_ADDR=10.65.0.2:29400", "WORLD_SIZE=16",
			},
			want: cluster.Facts{Nodes: 2, Rank: 1, Head: "10.65.0.2", NodeIP: netip.MustParseAddr("10.65.0.3")},
		},
		{name: "no number", env: []string{"PRIMARY_ADDR=a", "NODE_RANK=1", "NUM_NODES=two"}, err: "NUM_NODES"},
	})
}

func TestSageMaker(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       cluster.Facts
		err        string
	}{
		{
			name: "second", file: `{"current_host": "algo-2", "current_instance_type": "ml.p4d.24xlarge", "hosts": ["algo-2", "algo-1"], "network_interface_name": "eth0"}`,
			want: cluster.Facts{Source: "sagemaker", Nodes: 2, Rank: 1, Head: "algo-1", Interface: "eth0", Names: []string{"algo-1", "algo-2"}},
		},
		{name: "alone", file: `{"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}`, want: cluster.Facts{Source: "sagemaker", Nodes: 1, Head: "algo-1", Interface: "eth0"}},
		{name: "not listed", file: `{"current_host": "algo-3", "hosts": ["algo-1", "algo-2"]}`, err: "algo-3"},
		{name: "no JSON", file: `algo-1`, err: "resourceconfig.json"},
		{name: "empty", file: `{}`, err: "resourceconfig.json"},
	} {
		got, err := cluster.Find(cluster.Config{Source: cluster.Auto, ReadFile: func(name string) ([]byte, error) {
			if name != "/opt/ml/input/config/resourceconfig.json" {
				return nil, fs.ErrNotExist
			}
			return []byte(tt.file), nil
		}})
		if tt.err != "" {
			wantError(t, err, "sagemaker", tt.err)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		same(t, got, tt.want)
	}
}

func TestGeneric(t *testing.T) {
	run(t, "generic", []tableCase{
		{name: "torchrun", env: []string{"NNODES=2", "NODE_RANK=1", "MASTER_ADDR=n1", "WORLD_SIZE=16", "RANK=8"}, want: cluster.Facts{Nodes: 2, Rank: 1, Head: "n1"}},
		{name: "num", env: []string{"NUM_NODES=2", "NODE_RANK=0", "MASTER_ADDR=n1"}, want: cluster.Facts{Nodes: 2, Head: "n1"}},
		{name: "Kubeflow", env: []string{"PET_NNODES=3", "PET_NODE_RANK=2", "PET_MASTER_ADDR=job-node-0-0.job"}, want: cluster.Facts{Nodes: 3, Rank: 2, Head: "job-node-0-0.job"}},
		{name: "elastic", env: []string{"PET_NNODES=1:3", "PET_NODE_RANK=2", "MASTER_ADDR=n1"}, err: `PET_NNODES="1:3" is not a whole number`},
	})
}
