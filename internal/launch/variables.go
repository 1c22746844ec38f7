package launch

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The variables that never reach a child: they hold the run's secret, or tell
// where it lies.
const (
	tokenVariable     = "SYMINIT_TOKEN"      //nolint:gosec // the name, not the value
	tokenFileVariable = "SYMINIT_TOKEN_FILE" //nolint:gosec // the name, not the value
)

// rayAddress names the variable that tells a Ray driver which cluster to
// connect to. `ray start` must not see it: it would look for that cluster.
const rayAddress = "RAY_ADDRESS"

// vllmHostIP names the variable for the address at which vLLM expects this
// node's Ray, and listens itself.
const vllmHostIP = "VLLM_HOST_IP"

// ncclInterface names the variable for the interface that NCCL takes.
const ncclInterface = "NCCL_SOCKET_IFNAME"

// masterPort is torchrun's default rendezvous port,
// https://docs.pytorch.org/docs/stable/elastic/run.html.
const masterPort = 29500

// facts are this node's place in the run. They are set whatever the caller had
// set: the roster may be larger than the number of nodes that was asked for,
// and a rank may be agreed instead of given.
func (s *Spec) facts() []variable {
	addrs := make([]string, len(s.Addrs))
	for i, addr := range s.Addrs {
		addrs[i] = addr.String()
	}
	return []variable{
		{"SYMINIT_RANK", strconv.Itoa(s.Rank)},
		{"SYMINIT_NODES", strconv.Itoa(len(s.Addrs))},
		{"SYMINIT_HEAD_IP", addrs[0]},
		{"SYMINIT_NODE_IP", addrs[s.Rank]},
		{"SYMINIT_NODE_IPS", strings.Join(addrs, ",")},
	}
}

// defaults are the same in the words of torch, vLLM and NCCL.
func (s *Spec) defaults() []variable {
	vars := []variable{
		{"MASTER_ADDR", s.Addrs[0].String()},
		{"MASTER_PORT", strconv.Itoa(masterPort)},
		{"NODE_RANK", strconv.Itoa(s.Rank)},
		{"NNODES", strconv.Itoa(len(s.Addrs))},
		// Unset, vLLM takes the address that leads to 8.8.8.8, which is
		// the wrong one on many hosts with two networks.
		{vllmHostIP, s.self().String()},
	}
	if s.Interface != "" {
		vars = append(
			vars,
			// NCCL takes a list of prefixes; "=" asks for exactly this name.
			// Gloo and TensorPipe know exact names only.
			variable{ncclInterface, "=" + s.Interface},
			variable{"GLOO_SOCKET_IFNAME", s.Interface},
			variable{"TP_SOCKET_IFNAME", s.Interface},
		)
	}
	return vars
}

// inherited are the head's variables, in a fixed order.
func (s *Spec) inherited() []variable {
	vars := make([]variable, 0, len(s.Inherited))
	for _, name := range slices.Sorted(maps.Keys(s.Inherited)) {
		vars = append(vars, variable{name, s.Inherited[name]})
	}
	return vars
}

func (s *Spec) self() netip.Addr { return s.Addrs[s.Rank] }
