package launch

import "strings"

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
