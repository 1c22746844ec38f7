package launch

import (
	"fmt"
	"slices"
)

// spreadByRay adds the option with which vLLM's workers are Ray's, where the command
// names no way to spread them: by itself vLLM stays on the head's GPUs, or refuses if
// they are too few (ParallelConfig in vllm/config/parallel.py, 0.32). A server of one
// worker stays as it is, and what the other nodes do then is worth a warning.
func spreadByRay(command []string, nodes int) (spread, warnings []string) {
	line, vllm := readServe(command)
	if !vllm || nodes < 2 {
		return command, nil
	}
	workers, known := line.workers()
	if known && workers < nodes {
		warnings = []string{fmt.Sprintf("the command asks for %d worker(s), and there are %d nodes (SYMINIT_NODES): those without one only carry Ray; --tensor-parallel-size (-tp) and --pipeline-parallel-size (-pp) spread the model", workers, nodes)}
	}
	replicas, _ := line.number(optData, 1)
	if !known || workers < 2 || replicas > 1 || line.has(optExecutor) || line.has(optDataBackend) {
		return command, warnings
	}
	end := len(command)
	if i := slices.Index(line.given, "--"); i >= 0 { // behind it are no options
		end -= len(line.given) - i
	}
	return slices.Concat(command[:end], []string{optExecutor.long, "ray"}, command[end:]), warnings
}

// workers is how many processes share the model and its replicas, and false where
// that can't be told.
func (l serveLine) workers() (n int, known bool) {
	n = 1
	for _, o := range []option{optData, optTensor, optPipeline, optPrefill} {
		size, known := l.number(o, 1)
		if !known {
			return 0, false
		}
		n *= size
	}
	return n, true
}
