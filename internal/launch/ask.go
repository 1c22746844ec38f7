package launch

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/syminit/syminit/internal/procstat"
)

// Ask sends a signal that asks for an end: to the process group, or to the
// process alone where that is vLLM's first and may have requests in flight. It
// then tells the others in its own time: the workers that tensor parallelism has
// on a node leave at once when they are told, and the requests, which
// --shutdown-timeout gives time, fail (vllm/v1/executor/multiproc_executor.py,
// 0.32). One that starts takes twice as long to end when it alone is told.
//
// One that is stopped goes on, as it could not end otherwise: with Ctrl-Z in a
// container no shell is there to continue it.
func (p *Process) Ask(s syscall.Signal, inFlight bool) error {
	target := -p.pid
	if inFlight && p.isVLLM() {
		target = p.pid
	}
	err := p.kill(target, s)
	if p.stopped() {
		err = errors.Join(err, p.Signal(syscall.SIGCONT))
	}
	return err
}

// stopped reports whether the process is, by a signal.
func (p *Process) stopped() bool {
	s, _ := procstat.Read(p.pid)
	return s.State == 'T'
}

// isVLLM reports whether the process, which may have been another program
// first, is vLLM now: Python with vLLM's command. What waits for vLLM, a shell's
// script by that name too, is not: it might tell nobody.
func (p *Process) isVLLM() bool {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/cmdline")
	return err == nil && runsVLLM(string(line))
}

// runsVLLM is isVLLM for the command line as the kernel has it.
func runsVLLM(line string) bool {
	argv := strings.Split(strings.TrimSuffix(line, "\x00"), "\x00")
	if !strings.HasPrefix(filepath.Base(argv[0]), "python") {
		return afterServe(argv) == 2
	}
	words := argv[1:] // behind the interpreter, and its options
	for len(words) > 0 && strings.HasPrefix(words[0], "-") && words[0] != "-m" {
		words = words[1:]
	}
	if len(words) > 0 && words[0] == "-m" { // of another module vLLM is only an argument
		return afterServe(words) == 3 || afterModule(words) == 2
	}
	return afterServe(words) == 2
}
