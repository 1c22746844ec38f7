package launch

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEnviron(t *testing.T) {
	env := environ{"A=1", "A=2", "EMPTY=", "odd", "=x", "B=a=b"}
	for name, want := range map[string]string{"A": "1", "EMPTY": "", "B": "a=b"} {
		if got, ok := env.lookup(name); !ok || got != want {
			t.Errorf("lookup(%s) = %q, %t", name, got, ok)
		}
	}
	if got, ok := env.lookup("odd"); ok {
		t.Errorf("lookup(odd) = %q", got)
	}
	if got, want := env.without("A", "odd"), (environ{"EMPTY=", "odd", "=x", "B=a=b"}); !slices.Equal(got, want) {
		t.Errorf("without = %q", got)
	}
	if got, want := env.with(variable{"EMPTY", "no"}, variable{"C", "3"}), append(slices.Clone(env), "C=3"); !slices.Equal(got, want) {
		t.Errorf("with = %q", got)
	}
	if got, want := env.replacing(variable{"A", "9"}), (environ{"EMPTY=", "odd", "=x", "B=a=b", "A=9"}); !slices.Equal(got, want) {
		t.Errorf("replacing = %q", got)
	}
}

func TestPropagated(t *testing.T) {
	usual := []string{"VLLM_*", "NCCL_*", "GLOO_*", "UCX_*", "RAY_*", "HF_*"}
	tests := map[string]struct {
		env, globs []string
		want       map[string]string
	}{
		"matched": {
			[]string{"VLLM_A=1", "NCCL_DEBUG=INFO", "HF_TOKEN=a=b", "OTHER=1", "odd", "VLLM_EMPTY="},
			usual,
			map[string]string{"VLLM_A": "1", "NCCL_DEBUG": "INFO", "HF_TOKEN": "a=b", "VLLM_EMPTY": ""},
		},
		"one node's own": {
			[]string{
				"VLLM_HOST_IP=1", "VLLM_HOST_PORT=1", "VLLM_NIXL_SIDE_CHANNEL_HOST=1", "VLLM_LOOPBACK_IP=1", "VLLM_DP_RANK=1", "VLLM_DP_RANK_LOCAL=1",
				"VLLM_CPU_OMP_THREADS_BIND=1", "VLLM_CACHE_ROOT=1", "VLLM_CONFIG_ROOT=1", "NCCL_SOCKET_IFNAME=1", "GLOO_SOCKET_IFNAME=1", "NCCL_IB_HCA=1",
				"UCX_NET_DEVICES=1", "HF_HOME=1", "HF_HUB_CACHE=1", "RAY_ADDRESS=1", "RAY_TMPDIR=1", "RAY_AUTH_TOKEN=1", "RAY_AUTH_MODE=1", "RAY_AUTH_TOKEN_PATH=1",
			},
			usual,
			map[string]string{},
		},
		"one node's own, all of it matched": {
			[]string{"CUDA_VISIBLE_DEVICES=0", "PATH=/bin", "HOME=/root", "LD_LIBRARY_PATH=/x", "NODE_RANK=0", "RANK=0", "X=1"},
			[]string{"*"},
			map[string]string{"X": "1"},
		},
		"for all nodes": {
			[]string{"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES=1", "RAY_gcs_x=1"},
			usual,
			map[string]string{"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1", "RAY_gcs_x": "1"},
		},
		"named in full":      {[]string{"HF_HOME=/shared", "PATH=/bin"}, []string{"HF_HOME", "P*"}, map[string]string{"HF_HOME": "/shared"}},
		"never ours":         {[]string{"SYMINIT_TOKEN=s", "SYMINIT_NODES=2"}, []string{"*", "SYMINIT_TOKEN"}, map[string]string{}},
		"the first counts":   {[]string{"VLLM_A=1", "VLLM_A=2"}, usual, map[string]string{"VLLM_A": "1"}},
		"without a name":     {[]string{"=C:=x", "VLLM_A=1"}, []string{"*"}, map[string]string{"VLLM_A": "1"}},
		"none":               {[]string{"VLLM_A=1"}, nil, map[string]string{}},
		"a malformed glob":   {[]string{"VLLM_A=1"}, []string{"[", "VLLM_?"}, map[string]string{"VLLM_A": "1"}},
		"case is of essence": {[]string{"vllm_a=1"}, usual, map[string]string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Propagated(test.env, test.globs); !maps.Equal(got, test.want) {
				t.Errorf("Propagated() = %q, want %q", got, test.want)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	env := environ{"NAME=value", "OTHER=secret", "LOOP=$(NAME)"}
	vars := []variable{{name: "NAME"}, {name: "LOOP"}}
	for arg, want := range map[string]string{
		"":                   "",
		"$(NAME)":            "value",
		"a$(NAME)b$(NAME)c":  "avaluebvaluec",
		"$$(NAME)":           "$(NAME)",
		"$$$(NAME)":          "$$(NAME)",
		"$(OTHER) $$(OTHER)": "$(OTHER) $$(OTHER)",
		"$$(SYMINIT_HEAD)":   "$(SYMINIT_HEAD)",
		"$(NAME":             "$(NAME",
		"$NAME ${NAME} $$":   "$NAME ${NAME} $$",
		"$(echo $(NAME))":    "$(echo value)",
		"$(LOOP)":            "$(NAME)",
		"\xff$(NAME)\xfe":    "\xffvalue\xfe",
	} {
		if got := expand([]string{arg}, vars, env); got[0] != want {
			t.Errorf("expand(%q) = %q, want %q", arg, got[0], want)
		}
	}
}

// TestUnknownReference: what nothing replaces would be an address to the command.
func TestUnknownReference(t *testing.T) {
	for arg, want := range map[string]string{
		"$(SYMINIT_HEAD_IP):$(SYMINIT_RANK),$(SYMINIT_NODES),$(SYMINIT_NODE_IP),$(SYMINIT_NODE_IPS)": "",
		"--master-addr=$(SYMINIT_HEAD)": "$(SYMINIT_HEAD)",
		"$(SYMINIT_RNK)":                "$(SYMINIT_RNK)",
		"$(SYMINIT_RANK2)":              "$(SYMINIT_RANK2)",
		"$(SYMINIT_node_ip)":            "$(SYMINIT_node_ip)",
		"$$(SYMINIT_HEAD) $$(SYMINIT_x1) $(HOME) $(date) ${SYMINIT_HEAD}": "",
	} {
		err := CheckReferences([]string{"sh", "-c", arg})
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "the command has "+want) {
			t.Errorf("%s: error %v", arg, err)
		}
	}
}
