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
		"vllm serve org/m":                                   {"org/m", 8000},
		"/opt/bin/vllm serve /models/m --port 80":            {"/models/m", 80},
		"vllm serve --model=m --port=1 --port=2":             {"m", 2},
		"python3 -m vllm.entrypoints.api_server --model ./m": {"./m", 8000},
		"vllm serve --port 9 m":                              {"m", 9},
		"vllm serve -tp 2 /models/m":                         {"/models/m", 8000},
		"vllm serve -tp=2 -n2 /models/m":                     {"/models/m", 8000},
		"vllm serve --port 1 --enforce-eager m -r 0":         {"m", 1},
		"vllm serve --port 1 --enable_lora m":                {"m", 1},
		"vllm serve --port 1 --no-enable-lora m":             {"m", 1},
		"vllm serve -dph -O3 m":                              {"m", 8000},
		"vllm serve --api-key a b --port 1 m":                {"m", 1},
		"vllm serve --api-key a b":                           {"", 8000},
		"vllm serve --node-rank -1 m":                        {"m", 8000},
		"vllm serve -tp 2 -- m":                              {"m", 8000},
		"vllm serve --port 1 m --model x":                    {"x", 1}, // which vLLM refuses
		"python3 -m vllm.entrypoints.cli.main serve -tp 2 m": {"m", 8000},
		"python3 -m vllm.entrypoints.openai.api_server m":    {"", 8000},
		"vllm serve --compilation-config.mode 3 m":           {"m", 8000},
		"vllm serve --disable-access-log-for-endpoints /a m": {"m", 8000},
		"vllm serve m --uds /run/s":                          {"m", 0},
		"vllm serve m --headless":                            {"m", 0},
		"vllm serve m --uds --port 9":                        {"m", 9}, // which vLLM refuses
		"vllm serve m --port x":                              {"m", 0},
		"vllm serve m --port 70000":                          {"m", 0},
		"vllm bench serve --model m":                         {"", 0},
		"python3 job.py --model m --port 1 serve /m":         {"", 0},
		"vllm serve": {"", 8000},
	} {
		args := strings.Fields(command)
		var port uint16
		if ports := ServePorts(args, 2); len(ports) > 0 {
			port = ports[0].Port
		}
		if model := ModelOf(args); model != want.model || port != want.port {
			t.Errorf("%s: model %q at port %d, want %q, %d", command, model, port, want.model, want.port)
		}
	}
}

func TestMeetingOf(t *testing.T) {
	for command, want := range map[string]Meeting{
		"vllm serve m -tp 2":                                    {29501, "--master-port", ""},
		"vllm serve m --master_port=7":                          {7, "--master-port", ""},
		"vllm serve m --master-port 70000":                      {0, "--master-port", ""},
		"vllm serve m --master-addr $(SYMINIT_HEAD_IP)":         {29501, "--master-port", ""},
		"vllm serve m --master-addr=host-a -dpa b":              {29501, "--master-port", "host-a"},
		"vllm serve m -dp 2":                                    {29550, "--data-parallel-rpc-port", ""},
		"vllm serve m -dp $(SYMINIT_NODES)":                     {29550, "--data-parallel-rpc-port", ""},
		"vllm serve m -dp 2 -dpa b --master-addr a":             {29550, "--data-parallel-rpc-port", "b"},
		"vllm serve m -dp 4 -dpp 8 --master-port 7":             {8, "--data-parallel-rpc-port", ""},
		"vllm serve m -dp 2 --nnodes 2 --master-port 7":         {7, "--master-port", ""},
		"vllm serve m -dp 2 -tp 2 --data-parallel-rpc-port=600": {600, "--data-parallel-rpc-port", ""},
	} {
		if got := MeetingOf(strings.Fields(command), 2); got != want {
			t.Errorf("%s: %+v, want %+v", command, got, want)
		}
	}
}
