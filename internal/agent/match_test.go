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

// TestSecretsWithinArguments: in the words that people write them in.
func TestSecretsWithinArguments(t *testing.T) {
	for _, args := range [][]string{
		{"--kv-transfer-config", `{"kv_connector":"X","kv_connector_extra_config":{"api_key": "S3CRET","remote_url":"redis://:S3CRET@cache:6379"}}`},
		{"--kv-transfer-config", `{"token":"S3CRET"}`},
		{"--kv-transfer-config={\"apiKey\" : \"S3CRET with \\\" in it\", \"x\": 1}"},
		{"--x", `{"api_keys": ["S3CRET", "S3CRET"], "n": {"password": S3CRET}}`},
		{"--x", `{'secret': 'S3CRET it is', "credentials": {"user": "S3CRET"}}`},
		{"--kv-transfer-config.kv_connector_extra_config.api_key", "S3CRET"},
		{"--kv-transfer-config.api_key=S3CRET"},
		{"--otlp-traces-endpoint", "https://user:S3CRET@otel/x"},
		{"--x=https://S3CRET@host"},
		{"--x", "https://host/x?a=b&access_token=S3CRET&c=d"},
		{"--x=https://host/x?X-Amz-Signature=S3CRET"},
		{"--api-key", "S3CRET", "--api-key=S3CRET"},
		{"--api-k", "S3CRET"},
		{"--api_k=S3CRET"},
		{"--hf-tok=S3CRET"},
		{"--env=HF_TOKEN=S3CRET"},
		{"-e", "OPENAI_APIKEY=S3CRET"},
		{"sh", "-c", `export HF_TOKEN='S3CRET S3CRET'; vllm serve m --api-key "S3CRET S3CRET" --port 1`},
		{"sh", "-c", `export PGPASSWORD="S3CRET";vllm serve m --x "{\"token\": \"S3CRET\"}" -H "Authorization: Bearer S3CRET"`},
		{"bash", "-c", `vllm serve m --x '{"token": "S3CRET S3CRET", "y": 1}'`},
	} {
		if got := strings.Join(maskSecrets(args), " "); strings.Contains(got, "S3CRET") {
			t.Errorf("%q: %s", args, got)
		}
		if got := describeCommand(append([]string{"vllm", "serve", "m"}, args...)); strings.Contains(got, "S3CRET") {
			t.Errorf("%q: %s", args, got)
		}
	}
	for _, plain := range []string{
		`vllm serve m --speculative-config {"num_speculative_tokens":3,"method":"ngram"}`,
		`vllm serve m --x http://host:80/a?b=c --port 1 --max-num-batched-tokens=8 --tokenizer t`,
		`sh -c A='b c' x`,
	} {
		if got := describeCommand(strings.Fields(plain)); got != plain {
			t.Errorf("%s: %s", plain, got)
		}
	}
}
