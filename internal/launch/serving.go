package launch

import (
	"net"
	"os"
	"strconv"
	"strings"
)

// vllmPort is where vLLM's server listens unless it is told otherwise (--port
// in vllm/entrypoints/openai/cli_args.py).
const vllmPort = "8000"

// Health is where a server says whether it serves.
type Health struct {
	URL    string
	Socket string // the Unix socket that leads there; "" for the URL's own host
}

// VLLMHealth returns where the vLLM server that the command starts answers
// /health, as seen from this node, and false where it starts none.
func VLLMHealth(command []string) (Health, bool) {
	command, ok := served(command)
	if !ok {
		return Health{}, false
	}
	scheme := "http://"
	if lastOption(command, "--ssl-certfile") != "" {
		scheme = "https://"
	}
	if socket := lastOption(command, "--uds"); socket != "" {
		return Health{URL: scheme + "localhost/health", Socket: socket}, true
	}
	return Health{URL: scheme + net.JoinHostPort(reached(lastOption(command, "--host")), portOf(command)) + "/health"}, true
}

// ServePort returns the port on which the vLLM server that the command starts
// listens, and 0 where there is none.
func ServePort(command []string) uint16 {
	command, ok := served(command)
	if !ok || lastOption(command, "--uds") != "" {
		return 0
	}
	port, _ := portNumber(portOf(command)) // of another text vLLM complains
	return port
}

// portNumber is 0 and false where the text is no port.
func portNumber(text string) (port uint16, ok bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, false
	}
	return uint16(n), true
}

// served returns the command with all its options, and false where it starts no
// HTTP server: another command, a headless node, or gRPC alone. Like vLLM it
// takes what the command line lacks from the file that --config names
// (vllm/entrypoints/launchers/launcher.py and vllm/utils/argparse_utils.py in
// 0.32).
func served(command []string) ([]string, bool) {
	if !IsVLLMServe(command) {
		return nil, false
	}
	if at := afterModule(command); at > 0 && strings.HasSuffix(command[at-1], "grpc_server") {
		return nil, false
	}
	command = append(configured(lastOption(command, "--config")), command...)
	line := serveLine(command)
	return command, !line.has(optHeadless) && !line.has(optGRPC)
}

func portOf(command []string) string {
	if port := lastOption(command, "--port"); port != "" {
		return port
	}
	return vllmPort
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

// configured returns the plain top-level entries of vLLM's YAML file as the
// options that they stand for. What is nested says nothing about the server, and
// about a file that can't be read vLLM itself complains.
func configured(path string) (options []string) {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value, _, _ = strings.Cut(value, " #")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch {
		case !ok || value == "" || value == "false" || strings.TrimLeft(name, " \t#-") != name:
		case value == "true":
			options = append(options, "--"+name)
		default:
			options = append(options, "--"+name+"="+value)
		}
	}
	return options
}
