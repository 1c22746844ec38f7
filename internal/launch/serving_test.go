package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVLLMHealth(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	const yaml = "model: m\n# port: 1\nport: 9001 # ours\nhost: \"10.0.0.7\"\ncompilation-config:\n  port: 2\ncors: ['a']\nheadless: false\n"
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]Health{
		"vllm serve m": {URL: "http://127.0.0.1:8000/health"},
		"/opt/bin/vllm serve m --port 9000 --host ::":           {URL: "http://[::1]:9000/health"},
		"vllm serve m --port 1 --port=9000 --host 0.0.0.0":      {URL: "http://127.0.0.1:9000/health"},
		"vllm serve m --host fd00::1":                           {URL: "http://[fd00::1]:8000/health"},
		"vllm serve m --hos gpu-1":                              {URL: "http://gpu-1:8000/health"},
		"vllm serve m --host=gpu-1":                             {URL: "http://gpu-1:8000/health"},
		"python -m vllm.entrypoints.openai.api_server --port 2": {URL: "http://127.0.0.1:2/health"},
		"vllm serve m -dp 4 -dpl 2 -dpm --port 8000":            {URL: "http://127.0.0.1:9256/health"},
		"vllm serve m -dp 4 --data_parallel_multi_port_external_lb --host :: --data-parallel-supervisor-port 9300": {URL: "http://[::1]:9300/health"},
		"python -m vllm.entrypoints.openai.api_server -dpm":                                                        {URL: "http://127.0.0.1:8000/health"},
		"vllm serve m --ssl-certfile c --ssl_keyfile k":                                                            {URL: "https://127.0.0.1:8000/health"},
		"vllm serve m --ssl_certfile=c --port 2":                                                                   {URL: "https://127.0.0.1:2/health"},
		"vllm serve m --uds /run/v.sock --port 2":                                                                  {URL: "http://localhost/health", Socket: "/run/v.sock"},
		"vllm serve --config " + file:                                                                              {URL: "http://10.0.0.7:9001/health"},
		"vllm serve --config " + file + " --port 3":                                                                {URL: "http://10.0.0.7:3/health"},
		"vllm serve m --config /no/such/file":                                                                      {URL: "http://127.0.0.1:8000/health"},
	} {
		if got, ok := VLLMHealth(strings.Fields(command)); !ok || got != want {
			t.Errorf("%s: %+v, %t; want %+v", command, got, ok, want)
		}
	}
	for _, command := range []string{"vllm serve m --headless", "vllm serve m --grpc", "python -m vllm.entrypoints.grpc_server --model m", "vllm bench --port 1", "python serve.py", "vllm"} {
		if got, ok := VLLMHealth(strings.Fields(command)); ok {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

// TestServePorts: each node that has a server has these.
func TestServePorts(t *testing.T) {
	for command, want := range map[string]struct {
		ports      string
		everywhere bool
	}{
		"vllm serve m -tp 2":                            {"[{8000 --port}]", false},
		"vllm serve m -dp 2":                            {"[{8000 --port}]", false},
		"vllm serve m -dp 2 -dpe --port 9":              {"[{9 --port}]", true},
		"vllm serve m -dp 2 --data-parallel-rank 0":     {"[{8000 --port}]", true},
		"vllm serve m -dp 4 -dph":                       {"[{8000 --port}]", true},
		"vllm serve m -dp 4 -dph --headless":            {"[]", true},
		"vllm serve m -dp 2 --nnodes 2 -dph":            {"[{8000 --port}]", false}, // which is refused
		"vllm serve m -dp 4 -dpm":                       {"[{8000 --port} {8001 --port} {9256 --data-parallel-supervisor-port}]", true},
		"vllm serve m -dp 6 -dpl 3 -dpm --port 65534":   {"[{65534 --port} {65535 --port} {9256 --data-parallel-supervisor-port}]", true},
		"vllm serve m -dp 4 -dpl $(SYMINIT_NODES) -dpm": {"[{8000 --port} {8001 --port} {9256 --data-parallel-supervisor-port}]", true},
		"vllm serve m -dp $(SYMINIT_NODES) -dpe":        {"[{8000 --port}]", true},
		"python job.py":                                 {"[]", false},
	} {
		args := strings.Fields(command)
		if ports, everywhere := fmt.Sprint(ServePorts(args, 2)), ServesEverywhere(args, 2); ports != want.ports || everywhere != want.everywhere {
			t.Errorf("%s: %s, on every node: %t", command, ports, everywhere)
		}
	}
}
