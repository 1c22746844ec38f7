package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

// TestRayStartArgsMayHaveSecrets: whatever shows them, right or wrong, doesn't show a
// password in them, and Ray gets it.
func TestRayStartArgsMayHaveSecrets(t *testing.T) {
	for _, tt := range []struct {
		value, shown string
		words        int // 0: they are wrong
	}{
		{"--redis-password " + secret + " --num-gpus 1", "--redis-password *** --num-gpus 1", 4},
		{"--redis-password=" + secret, "--redis-password=***", 1},
		{`'--redis-password=a b` + secret + `'`, "--redis-password=***", 1},
		{`--redis-password 'a ` + secret + `'`, "--redis-password ***", 2},
		{`--labels='{"a": "b"}'`, `--labels='{"a": "b"}'`, 1},
		{`--redis-password "` + secret, "***", 0},
		{`"--redis-password=` + secret, "***", 0},
		{`--redis-pass"word" ` + secret + `\`, "***", 0},
		{`--num-gpus "1`, `--num-gpus "1`, 0},
	} {
		c, err := config.Load(environ(map[string]string{"RAY_START_ARGS": tt.value}))
		if (err == nil) != (tt.words > 0) {
			t.Errorf("%s: %v", tt.value, err)
		}
		again := c.Fill("slurm", map[string]string{"SYMINIT_NODES": "1"})
		var words config.Words
		if _ = words.UnmarshalText([]byte(tt.value)); len(words) != tt.words || !slices.Equal(c.RayStartArgs, words) {
			t.Errorf("%s: Ray gets %q", tt.value, c.RayStartArgs)
		}
		twice := c.Twice(map[string]string{"SYMINIT_RAY_START_ARGS": tt.value + "x"})
		if same := c.Twice(map[string]string{"SYMINIT_RAY_START_ARGS": tt.value}); twice == nil || same != nil {
			t.Errorf("%s: on the command line, and another one: %v; and the same: %v", tt.value, twice, same)
		}
		all := fmt.Sprint(c.Values(), err, again, twice)
		if strings.Contains(all, secret) {
			t.Errorf("it is shown: %s", all)
		}
		for _, v := range c.Values() {
			if v.Name == "SYMINIT_RAY_START_ARGS" && v.Value != tt.shown {
				t.Errorf("%s is shown as %s, want %s", tt.value, v.Value, tt.shown)
			}
		}
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
		{"curl", "-H", "X-Api-Key: S3CRET", "--header=Authorization: Basic S3CRET", "-Hx-auth-token: S3CRET"},
		{"vllm", "bench", "serve", "--header", "x-api-key=S3CRET", "--header", "Authorization=Bearer S3CRET"},
		{"env", "OTEL_EXPORTER_OTLP_HEADERS=api-key=S3CRET", "vllm", "--passwd", "S3CRET", "--credentials=S3CRET"},
		{"python", "-c", `import os; os.environ["HF_TOKEN"]="S3CRET"; login(token="S3CRET")`},
		{"bash", "-c", `vllm serve m --x '{"token": "S3CRET S3CRET", "y": 1}'`},
		{"env", "DB_PASS=S3CRET", "REDIS_AUTH=S3CRET", "PASS=S3CRET", "PGPASS=S3CRET", "DB_PWD=S3CRET", "SSH_PASSPHRASE=S3CRET", "x"},
		{"sh", "-c", `DB_PASS="S3CRET S3CRET" x --auth user:S3CRET --auth=user:S3CRET --redis-pass 'S3CRET S3CRET'`},
		{"-H", "authorization=basic S3CRET", "-H", "Basic S3CRET", "-H", "bearer S3CRET"},
		{"--auth", "user:S3CRET", "--pass", "S3CRET", "--proxy-auth=S3CRET", "--env=DB_PASS=S3CRET", "-eDB_PASS=S3CRET", "--key-passphrase", "S3CRET"},
		{"--x", `{"auth": "S3CRET", "db_pass":"S3CRET", "passphrase": 'S3CRET'}`},
		{"--x=https://a.blob.core.windows.net/c/b?sv=2024-11-04&se=2026-01-01&sig=S3CRET%3D"},
		{"--x", "?sig=S3CRET&sv=1", "sv=1&sig=S3CRET", "https://h/x#access_token=S3CRET"},
		{"--x=https://s3/b/k?X-Amz-Algorithm=AWS4&X-Amz-Credential=S3CRET%2F20260101&X-Amz-Security-Token=S3CRET&X-Amz-Signature=S3CRET"},
		{"--x", "https://h/k?GoogleAccessId=a&Signature=S3CRET&X-Goog-Credential=S3CRET&db-pass=S3CRET&auth=S3CRET"},
		{"--x", "redis://user:a/S3CRET@host:6379/0", "amqp://user:/S3CRET@host", "redis://:S3CRET/S3CRET@host", "x://user:S3CRET?S3CRET#S3CRET@host"},
		{"--x", "redis://user:12345S3CRET/S3CRET@host", "x://u:123456/S3CRET@host", "redis://u:S3CRET@S3CRET@host,redis://u:S3CRET/S3CRET@host"},
		{"--x", `{"template":"'token': ","api_key":"S3CRET","x":"\"key\":","secret": "S3CRET"}`},
		{"--x", `{"url": "postgres://u:a/S3CRET@host/db", "y": 1}`},
	} {
		if got := strings.Join(config.MaskSecrets(args), " "); strings.Contains(got, "S3CRET") {
			t.Errorf("%q: %s", args, got)
		}
	}
	if got := config.MaskSecrets([]string{"--x=" + strings.Repeat("a=", 1000) + "S3CRET"}); got[0] != "--x=***" {
		t.Errorf("a thousand names: %s", got)
	}
	for _, plain := range []string{
		`vllm serve m --speculative-config {"num_speculative_tokens":3,"method":"ngram"}`,
		`vllm serve m --x http://host:80/a?b=c --port 1 --max-num-batched-tokens=8 --tokenizer t`,
		`sh -c A='b c' x`,
		`env BYPASS=1 PASS_THROUGH=1 COMPASS=n AUTH_TYPE=basic RAY_AUTH_MODE=token SSH_AUTH_SOCK=/s PWD=/d OLDPWD=/d NO_AUTH=1 ENABLE_AUTH=true GIT_ASKPASS=/a x`,
		`x --auth-type basic y --pass-through a --no-auth b --enable_auth c --bypass d --two-pass e --author f --pwd /g -passes 2`,
		`x http://h:8000/@a/b http://h:8000?x=a@b http://[::1]:80/a@b https://h/a@b git+https://h/a/b@v1 http://a:80,http://b:80/c@d`,
		`x https://h/x?bypass=1&auth_type=basic&signal=2&sigma=3&design=4&se=5&sp=r&X-Amz-Algorithm=AWS4 {"auth_type":"basic","bypass":1}`,
	} {
		if got := strings.Join(config.MaskSecrets(strings.Fields(plain)), " "); got != plain {
			t.Errorf("%s: %s", plain, got)
		}
	}
}
