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
	Runtime   string   // None, Ray, MP or SPMD
	Job       []string // command and arguments
	Env       []string // the environment that syminit was given
	Rank      int
	Addrs     []netip.Addr // of all nodes, by rank; the head's first
	Interface string       // of this node, toward the others; "" where unknown
	// Inherited are variables of the head that this node's runtime gets where
	// Env lacks them.
	Inherited map[string]string
	Ray       RaySpec // used where Runtime is Ray
}

// RaySpec is what a plan for Ray needs besides.
type RaySpec struct {
	Bin       string   // the ray command: a name, looked up in PATH, or a path
	Python    string   // what runs pip's script of that name; "" where it isn't that
	Version   string   // "" where unknown
	Port      uint16   // the GCS's, on the head
	StartArgs []string // more options of `ray start`, this node's
	Dashboard bool
	// TokenPath is the file that holds Ray's token; "" leaves Ray's
	// authentication to the environment.
	TokenPath string
	// ClientPort is where the Ray Client server on the head listens; 0 leaves
	// it to Ray, which takes 10001 and falls over where that is taken. An
	// image without grpcio has no such server, and Ray there refuses a port.
	ClientPort uint16
}

// Plan is what one node runs.
type Plan struct {
	// After is what has to be there before Runtime may go on; nil means that
	// it can start at once.
	After *Ready
	// Runtime carries the job over the nodes; nil where there is none.
	Runtime *Command
	// Ready is when Runtime is up on this node; nil where there is none.
	Ready *Ready
	// Job is nil on a node that only lends itself to another's.
	Job *Command
	// Headless says that Job isn't told to stop: it serves the head's, and ends
	// when that has ended.
	Headless bool
	// Warnings are for the log: a line each.
	Warnings []string
}

// Ready is reached when the GCS has a node alive at each of the addresses.
type Ready struct {
	GCS   netip.AddrPort
	Addrs []netip.Addr  // Runtime's own first
	Every time.Duration // between two questions to the GCS
	// Old are the IDs of nodes that don't count: see Predecessors. A plan has none.
	Old []string
}

// Command is a process to be started.
type Command struct {
	Argv []string
	// Held is another way to start the same: it loads the program, and goes on
	// at Process.Release. Nil where there is none.
	Held []string
	Env  []string // the whole of it: nothing is added
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
	case len(s.Job) == 0:
		return Plan{}, errors.New("no command to run: put it behind syminit, as in `syminit -- vllm serve MODEL`")
	case len(s.Addrs) == 0 || s.Rank < 0 || s.Rank >= len(s.Addrs):
		return Plan{}, fmt.Errorf("rank %d in a roster of %d nodes", s.Rank, len(s.Addrs))
	}
	s.Env = environ(s.Env).without(tokenVariable, tokenFileVariable)
	lacks, err := s.lacks()
	if err != nil {
		return Plan{}, err
	}
	if lacks != "" { // the caller's value, an outer run's say, is of other nodes
		s.Env = environ(s.Env).without(nodeIPs)
	}
	plan, err := planFor(&s)
	if lacks != "" {
		plan.Warnings = append(plan.Warnings, lacks)
	}
	return plan, err
}

func planFor(s *Spec) (Plan, error) {
	switch s.Runtime {
	case None:
		return planNone(s)
	case Ray:
		return planRay(s)
	case MP:
		return planMP(s)
	case SPMD:
		return planSPMD(s)
	default:
		return Plan{}, fmt.Errorf("SYMINIT_RUNTIME=%s is not known; set it to ray, mp or spmd, or to none on one node", s.Runtime)
	}
}

// planNone runs the job as if syminit weren't there: its arguments and its
// environment are the caller's.
func planNone(s *Spec) (Plan, error) {
	if n := len(s.Addrs); n > 1 {
		return Plan{}, fmt.Errorf("SYMINIT_RUNTIME=none is for one node, and there are %d; set it to ray, mp or spmd", n)
	}
	return Plan{Job: &Command{Argv: slices.Clone(s.Job), Env: s.Env, Foreground: true}}, nil
}
