package faults

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	// runsBefore is how many runs each agent has been in before its goroutines are
	// counted, and spareGoroutines how many of a kind it may have that its first run
	// hadn't: such as a question to the GCS that is on its way.
	runsBefore      = 4
	spareGoroutines = 1

	dumpBegins = "SIGTRAP: trace trap"
)

// lived is the least number of runs that an agent has been in.
func lived(nodes []*host) int {
	least := runsBefore
	for _, h := range nodes {
		h.mu.Lock()
		least = min(least, h.runs)
		h.mu.Unlock()
	}
	return least
}

// goroutines are the stacks of a process's goroutines, by what they run.
type goroutines map[string][]string

// census has every node's agent end as a Go program does at a fault, with the
// stacks of all its goroutines. The containers are started again.
func census(t *testing.T, nodes []*host) []goroutines {
	t.Helper()
	agents, starts := make([]int, len(nodes)), make([]int, len(nodes))
	for i, h := range nodes {
		fd, err := unix.PidfdOpen(h.find("syminit-agent"), 0)
		if err != nil {
			t.Fatalf("%s's agent: %v", h.name, err)
		}
		defer func() { _ = unix.Close(fd) }()
		h.mu.Lock()
		agents[i], starts[i] = fd, h.starts
		h.mu.Unlock()
	}
	for i, fd := range agents { // at once, before one finds that another is gone
		// A signal from a process, as kill(2) sends it, the agent drops.
		const queued = -1 // SI_QUEUE
		info := unix.Siginfo{Signo: int32(syscall.SIGTRAP), Code: queued}
		if err := unix.PidfdSendSignal(fd, syscall.SIGTRAP, &info, 0); err != nil {
			t.Fatalf("%s's agent: %v", nodes[i].name, err)
		}
	}
	all := make([]goroutines, len(nodes))
	await(t, nodes, "the containers are started again", func() error {
		for i, h := range nodes {
			h.mu.Lock()
			again, stacks := h.starts > starts[i], h.stacks
			h.mu.Unlock()
			if !again {
				return fmt.Errorf("%s's isn't", h.name)
			}
			all[i] = parse(strings.Join(stacks, "\n"))
		}
		return nil
	})
	for i, h := range nodes {
		if len(all[i]["main.main"]) != 1 {
			t.Fatalf("%s's agent has not said what goroutines it has: %q", h.name, all[i])
		}
	}
	return all
}

// frame begins with a function's name; its arguments follow in parentheses.
var frame = regexp.MustCompile(`^([^\s(]+(\(\*[^\s(]+)?)\(`)

// parse leaves out those that are the Go runtime's own.
func parse(dump string) goroutines {
	all := make(goroutines)
	for stack := range strings.SplitSeq(dump, "\n\n") {
		entry := "" // the last of the frames is what the goroutine was started with
		for line := range strings.Lines(stack) {
			f := frame.FindStringSubmatch(line)
			if f != nil && !strings.HasPrefix(f[1], "runtime.") && !strings.HasPrefix(f[1], "sync.") {
				entry = f[1]
			}
		}
		if entry != "" && strings.HasPrefix(stack, "goroutine ") {
			all[entry] = append(all[entry], stack)
		}
	}
	return all
}

// compareGoroutines fails where an agent has more than in its first run.
func compareGoroutines(t *testing.T, nodes []*host, first, last []goroutines) {
	t.Helper()
	for i, h := range nodes {
		for entry, stacks := range last[i] {
			if more := len(stacks) - len(first[i][entry]); more > spareGoroutines {
				t.Errorf("seed %d: %s's agent has %d more goroutines of %s than in its first run:\n%s", *seed, h.name, more, entry, strings.Join(stacks, "\n\n"))
			}
		}
	}
}
