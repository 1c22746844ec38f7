package launch

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// vllmPort is where vLLM's server listens unless it is told otherwise (--port
// in vllm/entrypoints/openai/cli_args.py).
const vllmPort = "8000"

// supervisorPort is where vLLM answers /health for all the servers of a node
// together, with --data-parallel-multi-port-external-lb: 200 once each serves,
// and nothing listens before (vllm/entrypoints/launchers/dp_supervisor.py, 0.32).
const supervisorPort = "9256"

// Health is where a server says whether it serves.
type Health struct {
	URL    string
	Socket string // the Unix socket that leads there; "" for the URL's own host
}

// VLLMHealth returns where the vLLM server that the command starts answers
// /health, as seen from this node, and false where it starts none.
func VLLMHealth(command []string) (Health, bool) {
	line, ok := served(command)
	if !ok {
		return Health{}, false
	}
	scheme := "http://"
	if line.has(optTLS) {
		scheme = "https://"
	}
	if socket := line.value(optUDS); socket != "" {
		return Health{URL: scheme + "localhost/health", Socket: socket}, true
	}
	port := cmp.Or(line.value(optServe), vllmPort)
	if line.has(optDataMultiPort) && afterServe(command) > 0 { // the old modules have no supervisor
		port = cmp.Or(line.value(optSupervisor), supervisorPort)
	}
	return Health{URL: scheme + net.JoinHostPort(reached(line.value(optHost)), port) + "/health"}, true
}

// Listening is a port on which vLLM's server listens.
type Listening struct {
	Port   uint16
	Option string // of `vllm serve`, which sets it
}

// ServePorts returns the ports on which the vLLM server that the command starts
// listens, on each of so many nodes that has one.
func ServePorts(command []string, nodes int) []Listening {
	line, ok := served(sized(command, nodes))
	if !ok || line.has(optUDS) {
		return nil
	}
	first, ok := portNumber(cmp.Or(line.value(optServe), vllmPort))
	if !ok || first == 0 { // of another text vLLM complains
		return nil
	}
	ports := []Listening{{first, optServe.long}}
	if !line.has(optDataMultiPort) || afterServe(command) == 0 {
		return ports
	}
	size, _ := line.number(optData, 1)
	local, _ := line.number(optDataLocal, size/max(nodes, 1))
	for port := int(first) + 1; port < min(int(first)+local, 1<<16); port++ {
		ports = append(ports, Listening{uint16(port), optServe.long})
	}
	if port, ok := portNumber(cmp.Or(line.value(optSupervisor), supervisorPort)); ok {
		ports = append(ports, Listening{port, optSupervisor.long})
	}
	return ports
}

// ServesEverywhere reports whether each of so many nodes has a server of its own with
// vLLM's own backend, for a load balancer before them.
func ServesEverywhere(command []string, nodes int) bool {
	line, _ := readServe(sized(command, nodes))
	size, _ := line.number(optData, 1)
	_, balanced := line.balancer()
	return balanced && !line.spansNodes(size, nodes)
}

// portNumber is 0 and false where the text is no port.
func portNumber(text string) (port uint16, ok bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, false
	}
	return uint16(n), true
}

// served returns how the HTTP server that a command starts runs, and false where
// it starts none: another command, a headless node, or gRPC alone.
func served(command []string) (serveLine, bool) {
	if at := afterModule(command); at > 0 && strings.HasSuffix(command[at-1], "grpc_server") {
		return serveLine{}, false
	}
	line, ok := readServe(command)
	return line, ok && !line.has(optHeadless) && !line.has(optGRPC)
}

// reached is where a server that listens at host is reached from its own node.
func reached(host string) string {
	switch host {
	case "", "0.0.0.0":
		return "127.0.0.1"
	case "::":
		return "::1"
	}
	return host
}

// CheckVLLMPort refuses what vLLM's workers die of: get_vllm_port in vllm/envs.py
// takes a number only (0.32).
func CheckVLLMPort(command, env []string) error {
	port, set := environ(env).lookup("VLLM_PORT")
	if _, number := integer(port); !set || number || !IsVLLMServe(command) {
		return nil
	}
	return fmt.Errorf("VLLM_PORT=%q is no number, and vLLM's processes die of it: Kubernetes and docker --link set such a one for a service or container that is called vllm; give that another name (in Kubernetes: or enableServiceLinks: false), or set VLLM_PORT to the first of some free ports", port)
}
