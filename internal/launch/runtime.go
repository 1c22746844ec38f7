package launch

import (
	"fmt"
	"slices"
	"strings"
)

// The runtimes that carry a job over nodes, as SYMINIT_RUNTIME names them.
const (
	None = "none" // one node, nothing but the job
	Ray  = "ray"
	MP   = "mp"   // vLLM's own, with multiprocessing on each node
	SPMD = "spmd" // the command on every node, with rank variables
)

// RuntimeFor chooses the runtime where nobody has: none on one node; on several
// what the command asks for with vLLM's --distributed-executor-backend,
// --data-parallel-backend ray, data parallelism, or the options of vLLM's own
// backend, else Ray where the image has it, else what vLLM can do without.
func RuntimeFor(nodes int, command []string, image Image) (string, error) {
	if nodes < 2 {
		return None, nil
	}
	line, vllm := readServe(sized(command, nodes))
	for _, o := range []option{optDataBackend, optExecutor} {
		if w, _ := line.find(o); w.value == "ray" && (vllm || o == optExecutor) {
			if image.RayBin == "" {
				return "", fmt.Errorf("the command asks for %s ray, and this image has no Ray: install it (pip install 'ray[default]'), or name the command with SYMINIT_RAY_BIN", o.long)
			}
			return Ray, nil
		}
	}
	switch backend := line.value(optExecutor); backend {
	case "mp":
		return MP, nil
	case "external_launcher":
		return SPMD, nil
	case "":
	default:
		return "", fmt.Errorf("--distributed-executor-backend %s says nothing about %d nodes: set SYMINIT_RUNTIME to ray, mp or spmd", backend, nodes)
	}
	if _, own := line.ownBackend(); vllm && own || afterServe(command) > 0 && line.hasReplicas() {
		return MP, nil
	}
	switch {
	case image.RayBin != "":
		return Ray, nil
	case vllm:
		return MP, nil
	}
	return "", fmt.Errorf("%d nodes, and no runtime to be seen for them: the image has no ray command, and this isn't `vllm serve`; set SYMINIT_RUNTIME to ray, mp or spmd", nodes)
}

// CheckRayJob refuses a command for so many nodes under Ray that runs on one of
// them and waits there for servers which nobody starts on the others.
func CheckRayJob(command []string, nodes int) error {
	line, vllm := readServe(command)
	if !vllm || nodes < 2 {
		return nil
	}
	w, own := line.ownBackend()
	if executor, ok := line.find(optExecutor); ok && executor.value == "mp" && line.value(optDataBackend) != "ray" {
		w, own = executor, true
	}
	if !own {
		return nil
	}
	return fmt.Errorf("the command has %s, which is for vLLM's own backend, and Ray is to carry it over %d nodes: set SYMINIT_RUNTIME=mp, or leave the option out for SYMINIT_RUNTIME=ray", w, nodes)
}

// UsesRay reports whether the command is a vLLM server whose engine asks for Ray to
// spread it. Any other has its workers on one node, though Ray may run there.
func UsesRay(command []string) bool {
	line, vllm := readServe(command)
	return vllm && line.value(optExecutor) == "ray"
}

// ownBackend returns where the line has an option that spreads a server over
// nodes without Ray.
func (l serveLine) ownBackend() (w written, ok bool) {
	if l.value(optDataBackend) == "ray" {
		return w, false
	}
	for _, o := range []option{
		optNodes, optNodeRank, optAddr, optPort, optDataLocal, optDataAddr, optDataPort, optDataStart,
		optDataRank, optDataHybrid, optDataExternal, optDataMultiPort,
	} {
		if w, ok = l.find(o); ok && !l.staysHere(o) {
			return w, true
		}
	}
	return written{}, false
}

// hasReplicas reports whether there are some for other nodes too: Ray would leave
// all of them on the head.
func (l serveLine) hasReplicas() bool {
	replicas, _ := l.number(optData, 1)
	return replicas > 1 && !l.has(optDataLocal)
}

// staysHere reports whether an option says that everything is on one node.
func (l serveLine) staysHere(o option) bool {
	n, _ := l.number(o, 0)
	size, _ := l.number(optData, 1)
	return o == optNodes && n == 1 || o == optDataLocal && n == size
}

// IsVLLMServe reports whether the command is `vllm serve`, by that name or as
// a module that does the same. vLLM's other modules and commands, for a batch or
// a benchmark, end by themselves, and so does one that is asked for help.
func IsVLLMServe(command []string) bool {
	at := max(afterServe(command), afterModule(command))
	return at > 0 && !asksForHelp(command[at:])
}

// asksForHelp finds -h, --help, and vLLM's --help=GROUP.
func asksForHelp(options []string) bool {
	return slices.ContainsFunc(options, func(word string) bool {
		return word == "-h" || word == "--help" || strings.HasPrefix(word, "--help=")
	})
}
