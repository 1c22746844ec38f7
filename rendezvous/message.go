package rendezvous

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// kind is the type of a message. A kind that a peer does not know it skips, so
// that news can be added; a change that must be understood is another
// protocolVersion.
type kind string

const (
	// Worker to head.
	kindJoin  kind = "join"
	kindReady kind = "ready"
	kindFail  kind = "fail"
	kindDone  kind = "done"
	kindAck   kind = "ack"
	// Head to worker.
	kindRefuse  kind = "refuse"
	kindWelcome kind = "welcome"
	kindWait    kind = "wait"
	kindPlace   kind = "place"
	kindRoster  kind = "roster"
	kindGo      kind = "go"
	kindChange  kind = "change"
	kindOutcome kind = "outcome"
	// Both ways.
	kindStop kind = "stop"
	kindBeat kind = "beat"
	// Head to worker, and the answer at once.
	kindPing kind = "ping"
	kindPong kind = "pong"
)

// message is any message: which of the fields are set goes by Type. One struct
// for all, so that a frame is parsed once.
type message struct {
	Type    kind           `json:"type"`
	Join    *application   `json:"join,omitempty"`    // join
	Refusal *refusal       `json:"refusal,omitempty"` // refuse
	Terms   *terms         `json:"terms,omitempty"`   // welcome
	Wait    *wait          `json:"wait,omitempty"`    // wait
	Rank    *int           `json:"rank,omitempty"`    // place
	Roster  *wireRoster    `json:"roster,omitempty"`  // roster
	Change  *change        `json:"change,omitempty"`  // change
	Outcome *Outcome       `json:"outcome,omitempty"` // fail, outcome; refuse: of the run that the worker has lost
	Signal  syscall.Signal `json:"signal,omitempty"`  // stop; numbers as on Linux
}

// application is a worker's wish to be taken in.
type application struct {
	// ID is random, one for each call of [Join], and Try counts its
	// connections: so the head can tell a worker that has come again from
	// another one, and its last connection from one that it has given up.
	ID   string `json:"id"`
	Try  int    `json:"try"`
	Node Node   `json:"node"`
	// Was is the node's place in the run before, by which it gets it back from
	// a head that knows nothing of that run.
	Was *Place `json:"was,omitempty"`
	// Report is for the head's program, and Now the node's clock when it wrote
	// this, as Unix time in ms.
	Report json.RawMessage `json:"report,omitempty"`
	Now    int64           `json:"now_ms,omitempty"`

	ahead, within time.Duration // see [Report]; on the head only
}

func (a application) check() error {
	if err := checkWord("ID", a.ID); err != nil {
		return err
	}
	if err := checkReport(a.Report); err != nil {
		return err
	}
	return a.Node.check()
}

// had reports whether the node had that place.
func (a application) had(run string, rank int) bool {
	return a.Was != nil && a.Was.RunID == run && a.Was.Rank == rank
}

// terms are what a head tells a worker when it takes it in.
type terms struct {
	LostAfter int64 `json:"lost_after_ms"` // milliseconds, for both sides
}

func (t terms) silence() time.Duration { return time.Duration(t.LostAfter) * time.Millisecond }

// wait is a head's [Progress] for workers.
type wait struct {
	Stage   Stage    `json:"stage"`
	Have    int      `json:"have"`
	Want    int      `json:"want"`
	Missing []string `json:"missing,omitempty"`
}

// change is what has become of some of a run's places since the roster, or the
// change before: who has them, and which of them are empty by now.
type change struct {
	Came []Node `json:"came"`
	Gone []int  `json:"gone,omitempty"`
}

// refusal is why a node is not taken in.
type refusal struct {
	Reason string `json:"reason"`
	Fix    string `json:"fix"`
	Retry  bool   `json:"retry,omitempty"` // time may cure it

	// On the head only.
	outcome *Outcome // of the run that the node was in
	usual   bool     // it happens where nothing is wrong
}

func (r *refusal) Error() string { return r.Reason }

// wireRoster holds names and addresses as one string each, parted by spaces,
// in the order of ranks: every worker parses those of all, and a list of
// objects would make 4,096 workers ten times as expensive.
type wireRoster struct {
	Run     string          `json:"run"`
	Names   string          `json:"names"`
	Addrs   string          `json:"addrs"` // "-": none
	Gone    []int           `json:"gone,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func (r Roster) wire() *wireRoster {
	names := make([]string, len(r.Nodes))
	addrs := make([]string, len(r.Nodes))
	var gone []int
	for i, n := range r.Nodes {
		if n.Gone {
			gone = append(gone, i)
		}
		names[i], addrs[i] = n.Name, "-"
		if n.Addr.IsValid() {
			addrs[i] = n.Addr.String()
		}
	}
	return &wireRoster{
		Run: r.RunID, Names: strings.Join(names, " "), Addrs: strings.Join(addrs, " "), Gone: gone, Payload: r.Payload,
	}
}

func (w *wireRoster) roster() (Roster, error) {
	nodes := make([]Node, 0, 1+strings.Count(w.Names, " "))
	names, addrs, more := w.Names, w.Addrs, true
	for more {
		n := Node{Rank: len(nodes)}
		var text string
		var another bool
		n.Name, names, more = strings.Cut(names, " ")
		if text, addrs, another = strings.Cut(addrs, " "); more != another {
			return Roster{}, nonsense("a roster with more names than addresses, or fewer")
		}
		if text != "-" {
			var err error
			if n.Addr, err = netip.ParseAddr(text); err != nil {
				return Roster{}, nonsense(fmt.Sprintf("a roster with %q for an address", cut(text, maxName)))
			}
		}
		nodes = append(nodes, n)
	}
	for _, rank := range w.Gone {
		if rank < 1 || rank >= len(nodes) {
			return Roster{}, nonsense(fmt.Sprintf("a roster of %d nodes that lacks rank %d", len(nodes), rank))
		}
		nodes[rank].Gone = true
	}
	return Roster{RunID: w.Run, Nodes: nodes, Payload: w.Payload}, nil
}

// decode parses a frame's body. What it returns has the fields that its type
// needs; a type that is not known comes without a check.
func decode(body []byte) (message, error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return message{}, nonsense(fmt.Sprintf("a frame that is no message: %v", err))
	}
	complete := true
	switch m.Type {
	case "":
		complete = false
	case kindJoin:
		complete = m.Join != nil
	case kindRefuse:
		complete = m.Refusal != nil
	case kindWelcome:
		complete = m.Terms != nil && m.Terms.LostAfter > 0 && m.Terms.LostAfter <= maxLostAfter.Milliseconds()
	case kindWait:
		complete = m.Wait != nil
	case kindPlace:
		complete = m.Rank != nil
	case kindRoster:
		complete = m.Roster != nil
	case kindChange:
		complete = m.Change != nil
	case kindFail, kindOutcome:
		complete = m.Outcome != nil
	case kindStop:
		complete = m.Signal > 0
	}
	if !complete {
		return message{}, nonsense(fmt.Sprintf("a message %q that is not complete", cut(string(m.Type), maxName)))
	}
	return m, nil
}
