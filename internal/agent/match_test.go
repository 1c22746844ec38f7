package agent

import (
	"maps"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/config"
)

func TestDescribeCommandMasksSecrets(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"vllm serve m --api-key s3cret --port 1", "vllm serve m --api-key *** --port 1"},
		{"vllm serve m --api-key=s3cret", "vllm serve m --api-key=***"},
		{"x --hf-token s3cret", "x --hf-token ***"},
		{"x --tokenizer t --max-num-batched-tokens 8", "x --tokenizer t --max-num-batched-tokens 8"},
		{"x --api-key", "x --api-key"},
		{"x --api-key s3cret s3cret2 --port 1", "x --api-key *** *** --port 1"},
		{"x --apikey s3cret", "x --apikey ***"},
		{"env HF_TOKEN=s3cret vllm", "env HF_TOKEN=*** vllm"},
		{"curl -H Authorization: s3cret", "curl -H Authorization: ***"},
		{"ray start --redis-password=s3cret", "ray start --redis-password=***"},
	} {
		got := describeCommand(strings.Fields(tt.args))
		if got != tt.want {
			t.Errorf("describeCommand(%q) = %q, want %q", tt.args, got, tt.want)
		}
	}
	const script = "sh -c vllm serve m --api-key *** --port 1"
	if got := describeCommand([]string{"sh", "-c", "vllm serve m --api-key s3cret --port 1"}); got != script {
		t.Errorf("describeCommand(sh -c ...) = %q, want %q", got, script)
	}
}

func TestCommandIDTellsApart(t *testing.T) {
	long := strings.Repeat("x", 2*maxShownCommand)
	for _, pair := range [][2][]string{
		{{"c", "--api-key", "a"}, {"c", "--api-key", "b"}},
		{{"c", long + "a"}, {"c", long + "b"}},
		{{"c", "a b"}, {"c", "a", "b"}},
	} {
		id := func(args []string) string { return (&node{args: args, cfg: &config.Config{}}).commandID() }
		if a, b := id(pair[0]), id(pair[1]); a == b {
			t.Errorf("%q and %q are both %q", pair[0], pair[1], a)
		}
	}
}

func TestInsecureRunKeepsSecretsHome(t *testing.T) {
	env := map[string]string{"HF_TOKEN": "a", "VLLM_API_KEY": "b", "NCCL_DEBUG": "INFO", "VLLM_TOKENIZER_MODE": "auto"}
	(&node{log: zap.NewNop()}).dropSecrets(env)
	if want := map[string]string{"NCCL_DEBUG": "INFO", "VLLM_TOKENIZER_MODE": "auto"}; !maps.Equal(env, want) {
		t.Errorf("passed on: %v, want %v", env, want)
	}
}
