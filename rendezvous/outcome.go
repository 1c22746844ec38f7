package rendezvous

import (
	"strings"
	"syscall"
	"time"
)

// codeLost is the exit code of a run that lost a node.
const codeLost = 69

const (
	maxTail     = 64 << 10 // bytes of Outcome.Tail that are sent: the last ones
	maxTailLine = 4 << 10  // bytes of one line of it
)

// Outcome is how a run ended.
type Outcome struct {
	Code  int      `json:"code"`           // exit code for every node
	Rank  int      `json:"rank"`           // whose doing it was; [NoRank]: nobody's
	Node  string   `json:"node,omitempty"` // that node's name
	Cause string   `json:"cause"`          // one line for people
	Tail  []string `json:"tail,omitempty"` // the last lines of what failed there; sent up to 64 KiB
	// Job says that the code is a job's own, whatever it means elsewhere.
	Job bool `json:"job,omitempty"`
	// Again says that this is the end of one run and not of the work: every
	// node ends what it runs, and joins, or gathers, once more.
	Again bool `json:"again,omitempty"`
}

// trimmed is the outcome as it is sent, with the last lines that fit.
func (o Outcome) trimmed() Outcome {
	room, first := maxTail, len(o.Tail)
	for first > 0 && room >= min(len(o.Tail[first-1]), maxTailLine)+1 {
		first--
		room -= min(len(o.Tail[first]), maxTailLine) + 1
	}
	tail := make([]string, 0, len(o.Tail)-first)
	for _, line := range o.Tail[first:] {
		tail = append(tail, cut(line, maxTailLine))
	}
	o.Cause, o.Node, o.Tail = cut(o.Cause, maxTailLine), cut(o.Node, maxName), tail
	return o
}

// cut shortens text to so many bytes, never within a character.
func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size-len("…")], "") + "…"
}

// Event is what a head is told about its workers between the agreement and
// [Head.Finish]: a [Lost], a [Joined], a [Failed], a [Done] or a [Stopped], which
// may come before the agreement too.
type Event interface{ event() }

// Lost says that a node's session is over. There is one at most for each node,
// and one more each time that it has [Joined] again.
type Lost struct {
	Node   Node
	Reason string
}

// Joined says that a node came into a run that is going. It says by
// [Worker.Ready] when it is ready; the others don't wait for it.
type Joined struct{ Report }

// Failed is a worker's own [Worker.Fail], with Rank and Node filled in by the
// head. There is one at most for each node, or one [Done].
type Failed struct{ Outcome Outcome }

// Done says that a node's part of the run has ended well, by [Worker.Done].
type Done struct{ Node Node }

// Stopped says that a worker was told to stop, by [Worker.Stop]. Before the
// agreement its rank is the one that a scheduler gave to it, or [NoRank].
type Stopped struct {
	Node   Node
	Signal syscall.Signal
}

func (Lost) event()    {}
func (Joined) event()  {}
func (Failed) event()  {}
func (Done) event()    {}
func (Stopped) event() {}

// Stage is what a node waits for.
type Stage string

// The stages, in their order.
const (
	Connecting Stage = "connecting" // a worker has not reached the head
	Gathering  Stage = "gathering"  // nodes are still to come
	Starting   Stage = "starting"   // the roster is agreed, nodes are not ready yet
)

// Progress is how far the waiting is, for a line that a person reads. Workers
// hear of it from the head, every 100 ms at most.
type Progress struct {
	Stage   Stage
	Have    int       // nodes that are here, or ready, the head among them
	Want    int       // 0 on a worker that has not reached the head
	Missing []string  // up to 8 of those that are not, where they can be known
	Problem string    // what is in the way: why the head is not reached, or who was refused last
	Since   time.Time // since when this node waits
}
