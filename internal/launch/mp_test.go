package launch

import (
	"strings"
	"testing"
)

// serve is a node of vLLM's own backend, among as many as there are addresses.
func serve(command string, rank, nodes int) Spec {
	return Spec{
		Runtime: MP, Job: strings.Fields(command), Env: []string{"PATH=/bin"}, Rank: rank,
		Addrs: addrs("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4")[:nodes], Interface: "eth0",
	}
}

func TestMPPlans(t *testing.T) {
	golden(t, map[string]Spec{
		"mp-head":   serve("vllm serve m -tp 2", 0, 2),
		"mp-worker": serve("vllm serve m -tp 2 --api-server-count=4 --max-model-len 8", 1, 2),
		"mp-worker-inherits": with(serve("/opt/bin/vllm serve m -tp 2", 1, 2), func(s *Spec) {
			s.Env = append(s.Env, "NCCL_DEBUG=own", "VLLM_HOST_IP=10.7.7.7")
			s.Inherited = map[string]string{"NCCL_DEBUG": "head's", "VLLM_X": "1", "RAY_X": "2"}
		}),
		"mp-worker-with-heads-address": with(serve("vllm serve m -tp 2", 1, 2), func(s *Spec) {
			s.Env = append(s.Env, "VLLM_HOST_IP=10.0.0.1")
		}),
		"mp-user-decides":      serve("vllm serve m -tp 2 --nnodes=2 --node_rank $(NODE_RANK) --master-addr host-a --master-port=1234", 1, 2),
		"mp-one-node":          serve("vllm serve m", 0, 1),
		"mp-data-head":         serve("vllm serve m --data-parallel-size 4", 0, 2),
		"mp-data-worker":       serve("vllm serve m -dp=4 -asc 4", 1, 2),
		"mp-data-hybrid":       serve("vllm serve m -dp 4 --data-parallel-hybrid-lb", 1, 2),
		"mp-data-multi-port":   serve("vllm serve m -dp 4 -dpm", 0, 2),
		"mp-data-external":     serve("vllm serve m -dp 2 -dpe", 1, 2),
		"mp-data-own-rank":     serve("vllm serve m -dp 2 -dpn $(SYMINIT_RANK)", 1, 2),
		"mp-data-over-nodes":   serve("vllm serve m -dp 2 -tp 16", 3, 4),
		"mp-data-by-nnodes":    serve("vllm serve m -dp 4 -n2", 1, 2),
		"mp-data-user-decides": serve("vllm serve m -dp 2 --data_parallel_size_local=1 -dpa 10.0.0.1 -dpp 13345", 1, 2),
		"mp-separator":         serve("vllm serve -tp 2 -- m", 0, 2),
	})
}

func TestMPConflicts(t *testing.T) {
	for _, test := range []struct {
		command     string
		rank, nodes int
		want        []string // "": none
	}{
		{"vllm serve m -tp 2 --nnodes 3", 0, 2, []string{"`--nnodes 3`", "SYMINIT_NODES is 2"}},
		{"vllm serve m -tp 2 --nnodes=2 -n 3", 0, 2, []string{"`-n 3`", "SYMINIT_NODES is 2"}},
		{"vllm serve m -tp 2 -n3", 0, 2, []string{"`-n3`", "SYMINIT_NODES is 2"}},
		{"vllm serve m -tp 2 --node-rank 0", 1, 2, []string{"`--node-rank 0`", "rank 1 has"}},
		{"vllm serve m -tp 2 -r=0", 1, 2, []string{"`-r=0`", "rank 1 has"}},
		{"vllm serve m -tp 2 --node_rank=0", 1, 2, []string{"`--node_rank=0`", "rank 1 has"}},
		{"vllm serve m -tp 2 --headless", 0, 2, []string{"`--headless`", "head"}},
		{"vllm serve m -tp 2 --headless", 1, 2, []string{"`--headless`", "head"}},
		{"vllm serve m -tp 2 --distributed-executor-backend ray", 0, 2, []string{"`--distributed-executor-backend ray`", "SYMINIT_RUNTIME=mp"}},
		{"vllm serve m -dp 2 -dpb=ray", 0, 2, []string{"`-dpb=ray`", "SYMINIT_RUNTIME=mp"}},
		{"vllm serve m", 0, 2, []string{"1 worker(s)", "2 nodes", "-tp"}},
		{"vllm serve m -tp 3 -pp 3", 0, 2, []string{"9 worker(s)", "2 nodes"}},
		{"vllm serve m --config c.yaml", 0, 2, nil},
		// Spellings that vLLM's parser takes, and numbers that are its to read.
		{"vllm serve m -tp auto", 0, 2, nil},
		{"vllm serve m --tensor-parallel 2", 0, 2, nil},
		{"vllm serve m --tensor_parallel=2", 0, 2, nil},
		{"vllm serve m --tensor_parallel_size=2", 0, 2, nil},
		{"vllm serve m -tp=2", 0, 2, nil},
		{"vllm serve m -t 2", 0, 2, nil},
		{"vllm serve m -tp +2", 0, 2, nil},
		{"vllm serve m -tp 1_0 -n 02", 0, 2, nil},
		{"vllm serve m --tensor 3", 0, 2, []string{"3 worker(s)"}},
		{"vllm serve m -tp 2 --nn 3", 0, 2, []string{"`--nn 3`", "SYMINIT_NODES is 2"}},
		{"vllm serve m -tp 2 --head", 0, 2, []string{"`--head`", "head"}},
		{"vllm serve m -tp 2 --distributed-e=ray", 0, 2, []string{"`--distributed-e=ray`", "SYMINIT_RUNTIME=mp"}},
		{"vllm serve m -tp 2 --data-parallel-size-l 1", 0, 2, nil},
		{"vllm serve m -dp 4 -dpe --no-data-parallel-external-lb", 0, 2, nil},
		{"vllm serve -tp 2 -- m --headless", 0, 2, nil},
		{"vllm serve m -dp 3", 0, 2, []string{"`-dp 3`", "2 nodes", "multiple of 2"}},
		{"vllm serve m -dp 2", 0, 3, []string{"`-dp 2`", "3 nodes", "multiple of 3"}},
		{"vllm serve m -dp 4 -dpl 1", 0, 2, []string{"`-dpl 1`", "2 on each"}},
		{"vllm serve m -dp 4 -dpr 2", 0, 2, []string{"`-dpr 2`", "rank 0 has"}},
		{"vllm serve m -dp 4 -dpe", 0, 2, []string{"`-dpe`", "2 replicas on each of 2 nodes", "multi-port"}},
		{"vllm serve m -dp 2 -dpn 0", 1, 2, []string{"`-dpn 0`", "rank 1 has"}},
		{"vllm serve m -dp 2 -tp 8 -dpe", 1, 4, []string{"`-dpe`", "--nnodes 4"}},
		{"./start.sh", 0, 2, []string{"isn't `vllm serve MODEL`", "SYMINIT_RUNTIME"}},
		{"python3 -m vllm.entrypoints.openai.api_server --model m", 0, 2, []string{"#36875", "`vllm serve`"}},
		// What looks like one of the options, and isn't.
		{"vllm serve m -tp 2 --nnodes-x 3 -nx 3 --headless-x -noise", 0, 2, nil},
		{"vllm serve m -tp 2 --nnodes", 0, 2, nil},
	} {
		_, err := NewPlan(serve(test.command, test.rank, test.nodes))
		if (err == nil) != (test.want == nil) {
			t.Errorf("%s on rank %d of %d: %v", test.command, test.rank, test.nodes, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s on rank %d of %d: %v; want %q in it", test.command, test.rank, test.nodes, err, want)
			}
		}
	}
}

func TestUndouble(t *testing.T) {
	for command, want := range map[string]string{
		"vllm serve vllm serve m":                         "vllm serve m",
		"vllm serve /usr/bin/vllm serve m":                "vllm serve m",
		"uv run vllm serve vllm serve vllm serve m -tp 2": "uv run vllm serve m -tp 2",
		"vllm serve m":                                    "vllm serve m",
		"vllm serve vllm --served-model-name serve":       "vllm serve vllm --served-model-name serve",
		"echo vllm": "echo vllm",
	} {
		given := strings.Fields(command)
		got, doubled := Undouble(given)
		if strings.Join(got, " ") != want || doubled != (command != want) {
			t.Errorf("%s: %s, %t; want %s", command, got, doubled, want)
		}
		if strings.Join(given, " ") != command {
			t.Errorf("%s: the caller's command was changed: %s", command, given)
		}
	}
}

func TestSPMDPlans(t *testing.T) {
	spmd := func(command string, rank, nodes int) Spec {
		s := serve(command, rank, nodes)
		s.Runtime = SPMD
		return s
	}
	sglang := "python3 -m sglang.launch_server --model-path m --tp 16 --dist-init-addr $(MASTER_ADDR):$(MASTER_PORT) --nnodes $(NNODES) --node-rank $(NODE_RANK)"
	torchrun := "torchrun --nnodes=$(NNODES) --node-rank=$(NODE_RANK) --nproc-per-node=8 --master-addr=$(MASTER_ADDR) --master-port=$(MASTER_PORT) train.py"
	golden(t, map[string]Spec{
		"spmd-sglang-head":   spmd(sglang, 0, 2),
		"spmd-sglang-worker": spmd(sglang, 1, 2),
		"spmd-torchrun": with(spmd(torchrun, 2, 3), func(s *Spec) {
			s.Env = append(s.Env, "MASTER_PORT=1234", "GLOO_SOCKET_IFNAME=ib0")
			s.Inherited = map[string]string{"NCCL_DEBUG": "INFO", "MASTER_PORT": "5"}
		}),
		"spmd-one-address": with(spmd("hello $(SYMINIT_RANK)/$(SYMINIT_NODES) $(SYMINIT_NODE_IPS)", 1, 2), func(s *Spec) {
			s.Addrs = addrs("10.0.0.1", "10.0.0.1")
		}),
		"spmd-one-node": spmd("hello", 0, 1),
	})
}
