package launch

import (
	"slices"
	"strings"
	"testing"
)

func TestSpreadByRay(t *testing.T) {
	for _, c := range []struct {
		command string
		nodes   int
		want    string // "": as it was
		warned  bool
	}{
		{"vllm serve m -pp 2", 2, "vllm serve m -pp 2 --distributed-executor-backend ray", false},
		{"vllm serve m -tp 2 -pp 2", 2, "vllm serve m -tp 2 -pp 2 --distributed-executor-backend ray", false},
		{"vllm serve -tp 2 -- m", 2, "vllm serve -tp 2 --distributed-executor-backend ray -- m", false},
		{"python3 -m vllm.entrypoints.openai.api_server --model m -tp 2", 2, "python3 -m vllm.entrypoints.openai.api_server --model m -tp 2 --distributed-executor-backend ray", false},
		{"vllm serve m -tp 2", 3, "vllm serve m -tp 2 --distributed-executor-backend ray", true},
		{"vllm serve m", 2, "", true},
		{"vllm serve m -tp 2", 1, "", false},
		{"vllm serve m -tp 2 --distributed-executor-backend=ray", 2, "", false},
		{"vllm serve m -tp 2 --distributed_executor_backend uni", 2, "", false},
		{"vllm serve m -dp 2", 2, "", false},
		{"vllm serve m -dp 2 -tp 2 --data-parallel-backend ray", 2, "", false},
		{"vllm serve m -tp x", 2, "", false},
		{"vllm serve m --config /nowhere.yaml", 2, "", false},
		{"python3 job.py -tp 2", 2, "", false},
	} {
		before := strings.Fields(c.command)
		got, warnings := spreadByRay(before, c.nodes)
		if want := strings.Fields(c.want); c.want == "" && !slices.Equal(got, before) || c.want != "" && !slices.Equal(got, want) {
			t.Errorf("%s on %d nodes: %q", c.command, c.nodes, got)
		}
		if (len(warnings) > 0) != c.warned {
			t.Errorf("%s on %d nodes: warnings %q", c.command, c.nodes, warnings)
		}
	}
}
