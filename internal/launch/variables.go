package launch

import (
	"fmt"
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

// The variables that tell a node's place in the run.
const (
	nodeRank  = "SYMINIT_RANK"
	nodeCount = "SYMINIT_NODES"
	headIP    = "SYMINIT_HEAD_IP"
	nodeIP    = "SYMINIT_NODE_IP"
	nodeIPs   = "SYMINIT_NODE_IPS" // all nodes' addresses
)

const (
	longestString = 128 << 10 // bytes: MAX_ARG_STRLEN, execve(2)
	longestValue  = 100 << 10 // with a name, or an option, before it
)

// ncclInterface names the variable for the interface that NCCL takes.
const ncclInterface = "NCCL_SOCKET_IFNAME"

// masterPort is torchrun's default rendezvous port,
// https://docs.pytorch.org/docs/stable/elastic/run.html.
const masterPort = 29500

// facts are this node's place in the run. They are set whatever the caller had
// set: the roster may be larger than the number of nodes that was asked for,
// and a rank may be agreed instead of given.
func (s *Spec) facts() []variable {
	vars := []variable{
		{nodeRank, strconv.Itoa(s.Rank)},
		{nodeCount, strconv.Itoa(len(s.Addrs))},
		{headIP, s.Addrs[0].String()},
		{nodeIP, s.self().String()},
	}
	if addrs := s.addresses(); len(addrs) <= longestValue {
		vars = append(vars, variable{nodeIPs, addrs})
	}
	return vars
}

// addresses are all nodes', in the order of their ranks.
func (s *Spec) addresses() string {
	addrs := make([]string, len(s.Addrs))
	for i, addr := range s.Addrs {
		addrs[i] = addr.String()
	}
	return strings.Join(addrs, ",")
}

// lacks says what children don't get because it is too long for them; "" where that
// is nothing. It is an error where the job's arguments need it.
func (s *Spec) lacks() (warning string, err error) {
	size := len(s.addresses())
	if s.Runtime == None || size <= longestValue {
		return "", nil
	}
	const why = "the addresses of %d nodes take %d bytes, and Linux passes a program %d in one string at most"
	if slices.Contains(references(s.Job), nodeIPs) {
		return "", fmt.Errorf("$(%s) can't be replaced: "+why+"; take it out of the command", nodeIPs, len(s.Addrs), size, longestString)
	}
	return fmt.Sprintf("%s isn't set: "+why, nodeIPs, len(s.Addrs), size, longestString), nil
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
