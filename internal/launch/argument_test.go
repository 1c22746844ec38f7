package launch

import (
	"strings"
	"testing"
)

func TestModelAndPort(t *testing.T) {
	for command, want := range map[string]struct {
		model string
		port  uint16
	}{
		"vllm serve org/m":                           {"org/m", 8000},
		"/opt/bin/vllm serve /models/m --port 80":    {"/models/m", 80},
		"vllm serve --model=m --port=1 --port=2":     {"m", 2},
		"vllm serve --port 9 m":                      {"", 9},
		"python3 -m vllm.entrypoints.x --model ./m":  {"./m", 8000},
		"vllm serve m --uds /run/s":                  {"m", 0},
		"vllm serve m --headless":                    {"m", 0},
		"vllm serve m --port x":                      {"m", 0},
		"vllm bench serve --model m":                 {"", 0},
		"python3 job.py --model m --port 1 serve /m": {"", 0},
		"vllm serve":                                 {"", 8000},
	} {
		args := strings.Fields(command)
		if model, port := ModelOf(args), ServePort(args); model != want.model || port != want.port {
			t.Errorf("%s: model %q at port %d, want %q, %d", command, model, port, want.model, want.port)
		}
	}
}
