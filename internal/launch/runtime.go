package launch

import (
	"errors"
	"fmt"
)

// The runtimes that carry a job over nodes, as SYMINIT_RUNTIME names them.
const (
	None = "none" // one node, nothing but the job
	Ray  = "ray"
	MP   = "mp"   // vLLM's own, with multiprocessing on each node
	SPMD = "spmd" // the command on every node, with rank variables
)

// RuntimeFor chooses the runtime where nobody has: none on one node; on several
// what the command asks for with vLLM's --distributed-executor-backend, else
// Ray where the image has it, else what vLLM can do without.
func RuntimeFor(nodes int, command []string, image Image) (string, error) {
	if nodes < 2 {
		return None, nil
	}
	line, _ := readServe(command)
	switch backend := line.value(optExecutor); backend {
	case "ray":
		if image.RayBin == "" {
			return "", errors.New("the command asks for --distributed-executor-backend ray, and this image has no Ray: install it (pip install 'ray[default]'), or name the command with SYMINIT_RAY_BIN")
		}
		return Ray, nil
	case "mp":
		return MP, nil
	case "external_launcher":
		return SPMD, nil
	case "":
	default:
		return "", fmt.Errorf("--distributed-executor-backend %s says nothing about %d nodes: set SYMINIT_RUNTIME to ray, mp or spmd", backend, nodes)
	}
	switch {
	case image.RayBin != "":
		return Ray, nil
	case IsVLLMServe(command):
		return MP, nil
	}
	return "", fmt.Errorf("%d nodes, and no runtime to be seen for them: the image has no ray command, and this isn't `vllm serve`; set SYMINIT_RUNTIME to ray, mp or spmd", nodes)
}

// IsVLLMServe reports whether the command is `vllm serve`, by that name or as
// a module that does the same. vLLM's other modules and commands, for a batch or
// a benchmark, end by themselves.
func IsVLLMServe(command []string) bool {
	return afterServe(command) > 0 || afterModule(command) > 0
}
