package launch

import (
	"strings"
	"testing"
)

func TestRuntimeFor(t *testing.T) {
	withRay, without := Image{RayBin: "/bin/ray"}, Image{}
	tests := []struct {
		command string
		nodes   int
		image   Image
		want    string
		err     string
	}{
		{command: "vllm serve m --distributed-executor-backend ray", nodes: 1, image: withRay, want: None},
		{command: "vllm serve m", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m", nodes: 2, image: without, want: MP},
		{command: "python train.py", nodes: 2, image: withRay, want: Ray},
		{command: "python train.py", nodes: 2, image: without, err: "set SYMINIT_RUNTIME"},
		{command: "vllm serve m --distributed-executor-backend mp", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m --distributed-executor-backend=mp", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m --distributed_executor_backend=mp", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m --distributed-executor-backend ray", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m --distributed-executor-backend ray", nodes: 2, image: without, err: "install it"},
		{command: "vllm serve m --distributed-executor-backend mp --distributed-executor-backend=ray", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m --distributed-executor-backend external_launcher", nodes: 2, image: withRay, want: SPMD},
		{command: "vllm serve m --distributed-executor-backend uni", nodes: 2, image: withRay, err: "uni"},
		{command: "vllm serve m --distributed-executor-backend", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m --distributed-executor=mp", nodes: 2, image: withRay, want: MP},
		{command: "uv run -- python train.py --distributed-executor-backend mp", nodes: 2, image: withRay, want: MP},
		{command: "uv run -- vllm serve m --distributed-executor-backend mp", nodes: 2, image: withRay, want: MP},
		{command: "python train.py --dist mp", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m -tp 16 --nnodes 2", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -tp 16 -n2 --master-port 29501", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -tp 16 --node_rank $(NODE_RANK)", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -tp 16 --master-addr a", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m --data-parallel-size 4 --data-parallel-size-local 2", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp 4 --data-parallel-backend mp -dpl 2", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp 4 -dpa a -dpp 1", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp 2", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp $(SYMINIT_NODES)", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp 1", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m -dp 2 --distributed-executor-backend ray", nodes: 2, image: withRay, want: Ray},
		{command: "python -m vllm.entrypoints.openai.api_server -dp 2", nodes: 2, image: withRay, want: Ray},
		{command: "python train.py -dp 2", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m -dp 4 -dph", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp 2 -dpe", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp 4 --data-parallel-multi-port-external-lb", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp 4 -dpr 2", nodes: 2, image: withRay, want: MP},
		{command: "vllm serve m -dp 4 -dpl 2 -dpb ray", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m -dp 4 --data-parallel-backend=ray", nodes: 2, image: without, err: "--data-parallel-backend ray"},
		{command: "vllm serve m -dp 2 -dpl 2 -tp 8 --nnodes 1", nodes: 2, image: withRay, want: Ray},
		{command: "python train.py --nnodes 2", nodes: 2, image: withRay, want: Ray},
		{command: "vllm serve m --distributed-executor-backend-x mp", nodes: 2, image: withRay, want: Ray},
	}
	for _, test := range tests {
		got, err := RuntimeFor(test.nodes, strings.Fields(test.command), test.image)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s on %d nodes, ray %q: %q, %v; want %q, %q", test.command, test.nodes, test.image.RayBin, got, err, test.want, test.err)
		}
	}
}

// TestRayJob: under Ray nobody starts the servers for which vLLM's own backend
// would wait.
func TestRayJob(t *testing.T) {
	for command, want := range map[string]string{
		"vllm serve m -tp 16 --nnodes 3":                                "`--nnodes 3`",
		"vllm serve m -tp 16 -r 0":                                      "`-r 0`",
		"vllm serve m -dp 6 -dpl 2":                                     "`-dpl 2`",
		"vllm serve m -dp 6 --data-parallel-hybrid-lb":                  "`--data-parallel-hybrid-lb`",
		"vllm serve m -tp 2 --distributed-executor-backend mp":          "`--distributed-executor-backend mp`",
		"vllm serve m -tp 2":                                            "",
		"vllm serve m -tp 2 --nnodes 1":                                 "",
		"vllm serve m -dp 2 -dpl 2 -tp 8":                               "",
		"vllm serve m -dp 6 -dpl 2 -dpb ray":                            "",
		"vllm serve m -dp 2 -dpb ray --distributed-executor-backend mp": "",
		"vllm serve m -tp 2 --distributed-executor-backend ray":         "",
		"torchrun --nnodes 2 --node-rank 0 --master-addr a train.py":    "",
	} {
		_, err := NewPlan(with(threeNodes(0), func(s *Spec) { s.Job = strings.Fields(command) }))
		if (err == nil) != (want == "") {
			t.Errorf("%s: %v", command, err)
			continue
		}
		for _, part := range []string{want, "SYMINIT_RUNTIME=mp"} {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v; want %s in it", command, err, part)
			}
		}
	}
	one := with(threeNodes(0), func(s *Spec) {
		s.Job, s.Addrs = strings.Fields("vllm serve m -tp 2 --distributed-executor-backend mp"), s.Addrs[:1]
	})
	if _, err := NewPlan(one); err != nil {
		t.Errorf("on one node: %v", err)
	}
}

func TestIsVLLMServe(t *testing.T) {
	for command, want := range map[string]bool{
		"vllm serve m":          true,
		"/opt/bin/vllm serve m": true,
		"uv run vllm serve m":   true,
		"vllm serve m --port 1": true,
		"vllm serve --help":     false,
		"vllm serve -h":         false,
		"vllm serve --help=all": false,
		"vllm bench serve":      false,
		"vllm":                  false,
		"":                      false,
		"serve vllm":            false,
		"python3 -m vllm.x":     false,
		"python3 -m vllm.entrypoints.openai.api_server --model m":          true,
		"python3 -m vllm.entrypoints.api_server --model m":                 true,
		"python3 -m vllm.entrypoints.launchers.api_server.entry --model m": true,
		"python3 -m vllm.entrypoints.launchers.grpc_server --model m":      true,
		"python3 -m vllm.entrypoints.cli.main serve m":                     true,
		"python3 -m vllm.entrypoints.cli.main bench serve":                 false,
		"python3 -m vllm.entrypoints.cli.main":                             false,
		"python3 -m vllm.entrypoints.openai.run_batch -i a -o b --model m": false,
		"python3 -m vllm.entrypoints.launchers.run_batch -i a -o b":        false,
		"vllm run-batch -i a -o b --model m":                               false,
	} {
		if got := IsVLLMServe(strings.Fields(command)); got != want {
			t.Errorf("IsVLLMServe(%q) = %t", command, got)
		}
	}
}

func TestHasTokenAuth(t *testing.T) {
	for version, want := range map[string]bool{
		"2.40.0": false, "2.51.2": false, "2.52.0": true, "2.60.0": true, "3.0.0": true, "1.99": false,
		"2.52.0rc1": true, "2.9": false, "": true, "nightly": true, "3.x": true,
	} {
		if got := hasTokenAuth(version); got != want {
			t.Errorf("hasTokenAuth(%q) = %t", version, got)
		}
	}
}
