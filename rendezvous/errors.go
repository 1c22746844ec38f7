package rendezvous

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// errClosed is the error of what was asked of a Head or Worker after Close.
var errClosed = errors.New("the rendezvous is closed")

// RefusedError says that this node cannot be part of the run and that trying
// again would not help. The caller's exit code for it is 77.
type RefusedError struct {
	Head   string // the head, as [WorkerConfig.Head] names it
	Reason string // what is wrong, both values where two differ
	Fix    string // the next step for a person
}

// Error gives reason and next step.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused by %s: %s; %s", e.Head, e.Reason, e.Fix)
}

// UnreachableError says that a worker found no head that took it in before its
// context ended, or [WorkerConfig.AnswerWithin] was over. The caller's exit code for
// it is 69.
type UnreachableError struct {
	Head   string        // as [WorkerConfig.Head] names it
	Waited time.Duration // how long it was tried
	Last   error         // why the last try failed
	Silent bool          // nothing there has ever answered as a head does
}

// Error names the head, the last failure and the next step.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no head at %s in %s: %s; %s",
		e.Head, e.Waited.Round(time.Millisecond), e.Reason(), nextStep(e.Last))
}

// Reason is why the last try failed, without addresses and what to do.
func (e *UnreachableError) Reason() string { return plain(e.Last) }

// Unwrap gives the last failure.
func (e *UnreachableError) Unwrap() error { return e.Last }

// MissingError says that the context ended before all nodes were here, or
// before all were ready. The caller's exit code for it is 69.
type MissingError struct {
	Stage   Stage // Gathering or Starting
	Have    int   // nodes that were here, or ready, the head among them; 0: a worker that was not told
	Want    int
	Here    []Node   // those Have; on the head only
	Missing []string // up to 8 of the others, where they can be known
	Refused string   // who was refused last while nodes were gathered, and why; on the head only
	Waited  time.Duration
}

// Error counts the nodes, names who is missing, and says what to do.
func (e *MissingError) Error() string {
	state, fix := "here", "start syminit on the others too, or set SYMINIT_NODES to how many there are"
	switch {
	case e.Stage == Starting:
		state, fix = "ready", "their own logs say what they wait for"
	case e.Have > 0 && e.Have >= e.Want:
		fix = "the run was about to begin, raise SYMINIT_JOIN_TIMEOUT"
	}
	var text strings.Builder
	if e.Have == 0 { // a worker that the head has not told
		fmt.Fprintf(&text, "not all nodes %s after %s", state, e.Waited.Round(time.Millisecond))
	} else {
		fmt.Fprintf(&text, "%d of %d nodes %s after %s", e.Have, e.Want, state, e.Waited.Round(time.Millisecond))
	}
	if len(e.Here) > 0 {
		fmt.Fprintf(&text, ": %s", named(e.Here))
	}
	if len(e.Missing) > 0 {
		fmt.Fprintf(&text, "; missing: %s", enumerate(e.Missing, e.Want-e.Have))
	}
	if e.Refused != "" {
		fmt.Fprintf(&text, "; refused last: %s", e.Refused)
	}
	return text.String() + "; " + fix
}

// EndedError says that the run ended, with this outcome, while the caller was
// still waiting for it to begin.
type EndedError struct{ Outcome Outcome }

// Error gives code and cause.
func (e *EndedError) Error() string {
	return fmt.Sprintf("the run has ended with code %d: %s", e.Outcome.Code, e.Outcome.Cause)
}

// LostError says that a node was lost before all were ready.
type LostError struct {
	Node   Node
	Reason string
}

// Error names the node and the reason.
func (e *LostError) Error() string { return fmt.Sprintf("lost %s: %s", e.Node, e.Reason) }

// TriedError is what [WorkerConfig.Dial] fails with where it has looked for the
// head in more than one way.
type TriedError struct {
	Tried string // for a person; the same at every try
	Err   error  // of the last try
}

// Error says what was tried and how it failed.
func (e *TriedError) Error() string { return e.Tried + ": " + e.Err.Error() }

// Unwrap gives the last try's error.
func (e *TriedError) Unwrap() error { return e.Err }
