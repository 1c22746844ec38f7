package launch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func yamlFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestConfigFile: what stands in vLLM's file counts for every reader as if it
// stood on the command line, which counts more.
func TestConfigFile(t *testing.T) {
	file := yamlFile(t, `# ours
model: "/models/m"
distributed_executor_backend: mp   # on every node
tensor-parallel-size: 8
data-parallel-size: 4
data-parallel-rpc-port: 7000
api-server-count: 4
host: 10.0.0.7
'port': 9001
enforce-eager: True
headless: false
compilation-config:
  mode: 3
  port: 2
served-model-name:
- a
https://x: y
`)
	command := []string{"vllm", "serve", "--config", file}
	also := func(more string) []string { return append(command[:4:4], strings.Fields(more)...) }

	if got, err := RuntimeFor(2, command, Image{RayBin: "/bin/ray"}); got != MP || err != nil {
		t.Errorf("runtime %q, %v", got, err)
	}
	if _, err := RuntimeFor(2, also("--distributed-executor-backend ray"), Image{}); err == nil || !strings.Contains(err.Error(), "install it") {
		t.Errorf("Ray on the command line, and none in the image: %v", err)
	}
	if got := ModelOf(command); got != "/models/m" {
		t.Errorf("model %q", got)
	}
	if got := ModelOf([]string{"vllm", "serve", "other", "--config", file}); got != "other" {
		t.Errorf("model %q, and the command line names another", got)
	}
	if m := MeetingOf(command, 2); m.Port != 7000 || m.Option != optDataPort.long {
		t.Errorf("they meet at %+v", m)
	}
	if m := MeetingOf(also("-dpp 7001"), 2); m.Port != 7001 {
		t.Errorf("they meet at %+v", m)
	}
	for more, want := range map[string]string{"": "http://10.0.0.7:9001/health", "--port 3": "http://10.0.0.7:3/health"} {
		if got, ok := VLLMHealth(also(more)); !ok || got.URL != want {
			t.Errorf("%q: %v, %t", more, got, ok)
		}
	}
	if port := ServePorts(command, 2)[0].Port; port != 9001 {
		t.Errorf("it serves at port %d", port)
	}
	// vLLM passes over that spelling.
	if got := ModelOf([]string{"vllm", "serve", "--config=" + file}); got != "" {
		t.Errorf("model %q", got)
	}

	spec := serve("", 1, 2)
	spec.Job = command
	plan, err := NewPlan(spec)
	if err != nil {
		t.Fatal(err)
	}
	const want = "--data-parallel-size-local 2 --data-parallel-address 10.0.0.1 --data-parallel-start-rank 2 --api-server-count 0 --headless"
	if got := strings.Join(plan.Job.Argv[4:], " "); got != want {
		t.Errorf("a worker's options are %s, want %s", got, want)
	}
}

func TestConfigFileConflicts(t *testing.T) {
	for text, want := range map[string][]string{
		"tensor-parallel-size: 2\nnnodes: 3\n":                {"`nnodes: 3` in ", "c.yaml", "SYMINIT_NODES is 2"},
		"tensor-parallel-size: 2\nheadless: true\n":           {"`headless: true` in "},
		"tensor-parallel-size: 3\n":                           {"3 worker(s)"},
		"model: m\n":                                          {"1 worker(s)"},
		"tensor-parallel-size: 2\n":                           nil,
		"{tensor-parallel-size: 2}\n":                         nil, // not read
		"data-parallel-size: 2\ndata-parallel-backend: ray\n": {"`data-parallel-backend: ray` in "},
	} {
		spec := serve("", 0, 2)
		spec.Job = []string{"vllm", "serve", "m", "--config", yamlFile(t, text)}
		_, err := NewPlan(spec)
		if (err == nil) != (want == nil) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v; want %q in it", text, err, part)
			}
		}
	}
}
