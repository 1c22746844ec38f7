package launch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rayPortOptions are those of `ray start` that give a port on every node, with
// the port that is taken without the option (ray/scripts/scripts.py in 2.40 and
// 2.60); 0: any that is free.
var rayPortOptions = []struct {
	name string
	port uint16
}{
	{"--node-manager-port", 0},
	{"--object-manager-port", 0},
	{"--runtime-env-agent-port", 0},
	{"--metrics-export-port", 0},
	{"--dashboard-agent-listen-port", 52365},
	{"--dashboard-agent-grpc-port", 0},
	{"--dashboard-port", 8265},
}

// RayPorts returns the ports that options of `ray start` give, by option.
func RayPorts(options []string) map[string]uint16 {
	ports := map[string]uint16{}
	for _, option := range rayPortOptions {
		if port, ok := portOption(options, option.name); ok && port > 0 {
			ports[option.name] = port
		}
	}
	return ports
}

// RayTemp returns the folder for Ray's files that options of `ray start` give; "" for
// its default.
func RayTemp(options []string) string { return lastOption(options, "--temp-dir") }

func portOption(options []string, name string) (uint16, bool) {
	return portNumber(lastOption(options, name))
}

// CheckRayPorts refuses a port of Ray's own that Ray would also give to a worker
// process. `ray start` refuses that too (update_pre_selected_port in
// ray/_private/parameter.py, 2.40 to 2.60), but late, and in a traceback. A port
// that somebody else listens at is no such thing: Ray passes it over.
//
// rayPort is SYMINIT_RAY_PORT; 0 where this node can't be the head.
func CheckRayPorts(rayPort uint16, options []string) error {
	workers := workerPorts(options)
	if rayPort > 0 && workers.have(rayPort) {
		return workers.clash(fmt.Sprintf("SYMINIT_RAY_PORT=%d", rayPort))
	}
	for _, option := range rayPortOptions {
		port, given := portOption(options, option.name)
		name := fmt.Sprintf("SYMINIT_RAY_START_ARGS: %s=%d", option.name, port)
		if !given {
			port = option.port
			name = fmt.Sprintf("Ray's %s, %d by default,", option.name, port)
		}
		if port > 0 && workers.have(port) {
			return workers.clash(name)
		}
	}
	return nil
}

// rayWorkerPorts are those that Ray gives to its worker processes.
type rayWorkerPorts struct {
	list        []string
	least, most uint16
	from        string // the options that say so
}

func workerPorts(options []string) rayWorkerPorts {
	if list := lastOption(options, "--worker-port-list"); list != "" {
		return rayWorkerPorts{list: strings.Split(list, ","), from: "--worker-port-list in SYMINIT_RAY_START_ARGS"}
	}
	const low, high = "--min-worker-port", "--max-worker-port"
	least, given := portOption(options, low)
	most, also := portOption(options, high)
	p := rayWorkerPorts{least: 10002, most: 19999, from: "Ray's own choice"}
	if given || also {
		p.from = low + " and " + high + " in SYMINIT_RAY_START_ARGS"
	}
	if given {
		p.least = least
	}
	if also {
		p.most = most
	}
	return p
}

func (p rayWorkerPorts) have(port uint16) bool {
	if p.list != nil {
		return slices.Contains(p.list, strconv.Itoa(int(port)))
	}
	return port >= p.least && port <= p.most
}

// clash is the error of what is among them.
func (p rayWorkerPorts) clash(what string) error {
	ports := strings.Join(p.list, ",")
	if p.list == nil {
		ports = fmt.Sprintf("%d to %d", p.least, p.most)
	}
	return fmt.Errorf("%s is among the ports that Ray gives to its workers, %s (%s): `ray start` refuses that; change one of the two, those of the workers by --min-worker-port and --max-worker-port in SYMINIT_RAY_START_ARGS", what, ports, p.from)
}
