package agent

import (
	"errors"
	"strings"
	"testing"
)

// TestRayRefusesOwnBackend: before the other nodes are waited for.
func TestRayRefusesOwnBackend(t *testing.T) {
	for command, want := range map[string]string{
		"vllm serve m -tp 16 --nnodes 2":                         "`--nnodes 2`",
		"vllm serve m -tp 16 --distributed-executor-backend mp":  "`--distributed-executor-backend mp`",
		"vllm serve m -tp 16 --distributed-executor-backend=ray": "",
		"vllm serve m -tp 16":                                    "",
	} {
		n := &node{args: strings.Fields(command), cfg: settings(t, "SYMINIT_RUNTIME=ray", "SYMINIT_NODES=2", "SYMINIT_HEAD=h", "SYMINIT_INSECURE=true")}
		err := n.chooseRuntime()
		var f *failure
		switch {
		case want == "":
			if err != nil {
				t.Errorf("%s: %v", command, err)
			}
		case !errors.As(err, &f) || f.code != CodeConfig || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "SYMINIT_RUNTIME=mp"):
			t.Errorf("%s: %v", command, err)
		}
	}
}

// TestUnknownReferenceIsRefused: before the other nodes are waited for.
func TestUnknownReferenceIsRefused(t *testing.T) {
	n := &node{args: []string{"torchrun", "--master-addr", "$(SYMINIT_HEAD)"}, cfg: settings(t, "SYMINIT_RUNTIME=spmd", "SYMINIT_NODES=2", "SYMINIT_HEAD=h", "SYMINIT_INSECURE=true")}
	var f *failure
	if err := n.chooseRuntime(); !errors.As(err, &f) || f.code != CodeConfig || !strings.Contains(err.Error(), "SYMINIT_HEAD_IP") {
		t.Errorf("error %v", err)
	}
}

// TestVLLMPort: what Kubernetes makes of a service called vllm is refused before the
// others are waited for.
func TestVLLMPort(t *testing.T) {
	for _, tt := range []struct {
		command, variable string
		refused           bool
	}{
		{"vllm serve m -tp 2", "VLLM_PORT=tcp://10.0.0.1:8000", true},
		{"vllm serve m -tp 2", "VLLM_PORT=", true},
		{"vllm serve m -tp 2", "VLLM_PORT=40000", false},
		{"vllm serve m -tp 2", "VLLM_PORTS=x", false},
		{"python3 job.py", "VLLM_PORT=tcp://10.0.0.1:8000", false},
	} {
		n := lookedAt(t, "head", good(""), "SYMINIT_RUNTIME=spmd", tt.variable)
		n.args = strings.Fields(tt.command)
		err := n.chooseRuntime()
		f, ok := errors.AsType[*failure](err)
		if refused := ok && f.code == CodeConfig && strings.HasPrefix(err.Error(), tt.variable[:len("VLLM_PORT=")]); refused != tt.refused || !tt.refused && err != nil {
			t.Errorf("%s with %s: %v", tt.command, tt.variable, err)
		}
	}
}
