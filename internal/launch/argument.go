package launch

import "strings"

// ModelOf returns the model that a `vllm serve` command names, "" where it names
// none or isn't one: what follows serve, or the value of --model.
func ModelOf(command []string) string {
	line, ok := readServe(command)
	if !ok {
		return ""
	}
	if afterServe(command) > 0 && len(line.given) > 0 && !strings.HasPrefix(line.given[0], "-") {
		return line.given[0]
	}
	return line.value(optModel)
}
