package launch

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Spec is what a plan is made from.
type Spec struct {
	Runtime   string   // RuntimeNone or RuntimeRay
	Args      []string // the job: command and arguments
	Environ   []string // the environment that syminit was given
	Rank      int
	Addrs     []netip.Addr // of all nodes, by rank; the head's first
	Interface string       // of this node, toward the others; "" where unknown
	// Propagated are variables of the head that this node gets where Environ
	// lacks them.
	Propagated map[string]string
	Ray        Ray // used where Runtime is RuntimeRay
}

// Ray is what a plan for Ray needs besides.
type Ray struct {
	Bin       string   // the ray command: a name, looked up in PATH, or a path
	Port      uint16   // the GCS's, on the head
	Args      []string // more options of `ray start`, this node's
	Dashboard bool
	// TokenPath is the file that holds Ray's token; "" leaves Ray's
	// authentication to the environment.
	TokenPath string
	// ClientPort is where the Ray Client server on the head listens; 0 leaves
	// it to Ray, which takes 10001 and falls over where that is taken.
	ClientPort uint16
}

// Plan is what one node runs.
type Plan struct {
	// Runtime carries the job over the nodes; nil where there is none.
	Runtime *Command
	// Probe is set where Runtime must not be started before the GCS answers.
	Probe bool
	// GCS is where Ray says which nodes it has, and Want the addresses that
	// must be among them for Runtime to be up on this node, its own first.
	GCS  netip.AddrPort
	Want []netip.Addr
	// Every is the time between two questions to the GCS while waiting.
	Every time.Duration
	// Job is nil on a node that only lends itself to another's.
	Job *Command
	// Warnings are for the log: a line each.
	Warnings []string
}

// Command is a process to be started.
type Command struct {
	Argv []string
	Env  []string // the whole of it: nothing is added
	Dir  string   // "" is the current one
	// Output is called with every line that the command prints, on both
	// streams. nil: the command has syminit's own standard input, output and
	// error, with nothing in between.
	Output func(line string)
	// Foreground gives the command the terminal on standard input, as long as
	// it runs, where syminit has it.
	Foreground bool
	// Session starts the command in a session of its own, and kills what is
	// left of the session when the command ends.
	Session bool
}

// NewPlan returns what the node of the given rank runs. An error is about the
// Spec, and says what to change.
func NewPlan(s Spec) (Plan, error) {
	switch {
	case len(s.Args) == 0:
		return Plan{}, errors.New("no command to run: put it behind syminit, as in `syminit -- vllm serve MODEL`")
	case len(s.Addrs) == 0 || s.Rank < 0 || s.Rank >= len(s.Addrs):
		return Plan{}, fmt.Errorf("rank %d in a roster of %d nodes", s.Rank, len(s.Addrs))
	}
	s.Environ = environ(s.Environ).without(tokenVariable, tokenFileVariable)
	switch s.Runtime {
	case RuntimeNone:
		return planNone(&s)
	case RuntimeRay:
		return planRay(&s)
	case RuntimeMP, RuntimeSPMD:
		return Plan{}, fmt.Errorf("SYMINIT_RUNTIME=%s is not supported yet; set it to ray, or to none on one node", s.Runtime)
	default:
		return Plan{}, fmt.Errorf("SYMINIT_RUNTIME=%s is not known; set it to ray, or to none on one node", s.Runtime)
	}
}

// planNone runs the job as if syminit weren't there: its arguments and its
// environment are the caller's.
func planNone(s *Spec) (Plan, error) {
	if n := len(s.Addrs); n > 1 {
		return Plan{}, fmt.Errorf("SYMINIT_RUNTIME=none is for one node, and there are %d; set it to ray", n)
	}
	return Plan{Job: &Command{Argv: slices.Clone(s.Args), Env: s.Environ, Foreground: true}}, nil
}
