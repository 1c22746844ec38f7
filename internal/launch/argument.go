package launch

import (
	"math"
	"slices"
	"strings"
)

// ModelOf returns the model that a `vllm serve` command names, "" where it names
// none or isn't one: what follows serve, the value of --model, or the first word
// that no option takes.
func ModelOf(command []string) string {
	line, ok := readServe(command)
	if !ok {
		return ""
	}
	named := line.value(optModel)
	switch {
	case afterServe(command) == 0: // such a module has only the option
		return named
	case len(line.given) > 0 && !strings.HasPrefix(line.given[0], "-"):
		return line.given[0]
	case named != "":
		return named
	}
	return untaken(line.given)
}

// untaken returns the first word that isn't an option's value; "" where all are.
func untaken(words []string) string {
	taken := 0 // how many of the next words the last option takes
	for _, word := range words {
		switch {
		case word == "--":
			taken = 0
		case strings.HasPrefix(word, "-"):
			taken = takes(word)
		case taken > 0:
			taken--
		default:
			return word
		}
	}
	return ""
}

// vLLM 0.32's options that don't take one value: those that take none, beside
// the ones that begin as in flagPrefixes, and those that take all that follow.
const (
	flags = `-h --help --headless --grpc -dph -dpe -dpm -ep
		--data-parallel-hybrid-lb --data-parallel-external-lb --data-parallel-multi-port-external-lb
		--aggregate-engine-logging --allow-credentials --allow-deprecated-quantization --async-scheduling
		--cohere-is-reasoning-model --cudagraph-metrics --dcp-q-replicate --enforce-eager
		--exclude-tools-when-tool-choice-none --fail-on-environ-validation --fully-sharded-loras
		--interleave-mm-strings --jit-monitor-verbose --kv-cache-metrics --kv-sharing-fast-prefill
		--language-model-only --log-error-stack --long-prefill-token-threshold-adaptive --mm-device-do-normalize
		--mm-encoder-only --numa-bind --ray-workers-use-nsight --scheduler-reserve-full-isl
		--sleep-mode-offload-cudagraph --specialize-active-lora --swa-bounded-replay --tokens-only
		--trust-remote-code --trust-request-chat-template --trust-request-mm-kwargs`
	flagPrefixes = `--enable- --disable- --no- --skip- --use- --return-`
	lists        = `--allowed-media-domains --api-key --collect-detailed-traces --cpu-offload-params
		--cudagraph-capture-sizes --ignore-patterns --kv-cache-dtype-skip-layers --logits-processors
		--lora-modules --lora-target-modules --numa-bind-cpus --numa-bind-nodes --offload-params
		--served-model-name --sleep-preserve-parameter-names`
)

// takes returns how many of the next words an option of vLLM takes at most.
func takes(option string) int {
	if strings.Contains(option, "=") {
		return 0
	}
	name := option
	if strings.HasPrefix(name, "--") {
		name = strings.ReplaceAll(name, "_", "-")
	} else if _, number := integer(strings.TrimLeft(name, "-nrO")); number { // -n2, -O3, or a negative number
		return 0
	}
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case name == "--disable-access-log-for-endpoints":
		return 1
	case slices.Contains(strings.Fields(flags), name), slices.ContainsFunc(strings.Fields(flagPrefixes), begins):
		return 0
	case slices.Contains(strings.Fields(lists), name):
		return math.MaxInt
	}
	return 1
}
