package launch

import (
	"strconv"
	"strings"
)

// ModelOf returns the model that a `vllm serve` command names, "" where it names
// none or isn't one: what follows serve, or the value of --model.
func ModelOf(command []string) string {
	if !IsVLLMServe(command) {
		return ""
	}
	if at := afterServe(command); at > 0 && at < len(command) && !strings.HasPrefix(command[at], "-") {
		return command[at]
	}
	return lastOption(command, "--model")
}

// RayPorts returns the ports that options of `ray start` give, by option.
func RayPorts(options []string) map[string]uint16 {
	ports := map[string]uint16{}
	for _, option := range []string{
		"--node-manager-port", "--object-manager-port", "--runtime-env-agent-port", "--metrics-export-port",
		"--dashboard-agent-listen-port", "--dashboard-agent-grpc-port", "--dashboard-port",
	} {
		if port, err := strconv.ParseUint(lastOption(options, option), 10, 16); err == nil && port > 0 {
			ports[option] = uint16(port)
		}
	}
	return ports
}
