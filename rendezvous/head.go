package rendezvous

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	minLostAfter = 10 * time.Millisecond
	maxLostAfter = 24 * time.Hour
)

// HeadConfig says how a run's head is set up.
type HeadConfig struct {
	Listener net.Listener // where workers come in; the Head closes it, unless KeepOpen
	Secret   []byte       // what every node proves to know; nil: nothing is proven, any peer is taken for a worker
	Self     Node         // the head itself; Rank must be 0 or NoRank
	Nodes    int          // how many nodes the run needs, the head among them: 1 to 6000
	// MaxNodes is how many nodes the run may have. Those that come after Nodes
	// are there get into the run once it is going. 0: Nodes.
	MaxNodes int
	// Rejoin lets a node take an empty place, its own or that of another that
	// was lost, in a run that is going. Without it a loss is the end of the run,
	// which the caller brings about.
	Rejoin bool
	// Was is the roster of the run before, whose nodes get their ranks back.
	// Zero: none that this head knows of; then workers' own word counts.
	Was Roster
	// NotBefore is when the nodes may agree at the earliest. They may come
	// before. Zero: at once.
	NotBefore time.Time
	// HeldUntil is how long the places of Was are held for the nodes that had
	// them: until then another gets one only if there are more. Zero: they aren't.
	HeldUntil time.Time
	// KeepOpen has Close leave the Listener open, for the Head of the next run.
	// The Listener needs a SetDeadline for that, as TCP's has.
	KeepOpen bool
	// Names of the nodes by rank, as far as a scheduler tells: to name who is
	// missing. nil: unknown.
	Names       []string
	UniqueAddrs bool // no two nodes on one address
	// Approve is asked once all nodes are here, with what each worker has
	// reported, by rank. Its error is what Gather fails with, and then no worker
	// gets the roster. nil: nothing is asked. It must be quick, and not call the
	// Head.
	Approve   func(self Node, workers []Report) error
	LostAfter time.Duration   // silence after which a node is lost, for the workers too: 10ms to 24h
	Payload   json.RawMessage // goes to every worker with the roster; 256 KiB at most
	// Progress is told, one call at a time, whenever the waiting has changed.
	// nil: nobody is. It must not call the Head.
	Progress func(Progress)
	Log      *zap.Logger // nil: no log
}

// headState is the state of a [Head].
type headState int

const (
	gathering headState = iota
	agreed
	going
	ended
)

// Head is the side that the others come to.
//
//	          all nodes are here        all nodes are ready
//	gathering ────────────────▶ agreed ────────────────▶ going
//	    │                         │                        │
//	    └───────── Finish ────────┴──────────┬─────────────┘
//	                                         ▼
//	                                       ended ── Close: port and sessions are shut
//
// A worker that leaves while gathering is counted out and may come again; one
// that leaves when agreed or going is an [Event]; one that leaves when ended
// has either acknowledged or is among those that Finish returns. Into a run that
// is going, workers may still come: see Rejoin and MaxNodes.
//
// A restart is another Head on the same listener: Finish with an outcome that
// says Again, Close with KeepOpen, NewHead with the roster that Was.
//
// All methods may be called from any goroutine.
type Head struct {
	cfg   HeadConfig
	log   *zap.Logger
	tls   *tls.Config
	door  *door
	began time.Time
	wg    sync.WaitGroup

	events  chan Event
	changed chan struct{} // of 1: progress is to be told

	// Each is closed on entering that state, except firstLost, which is closed
	// with the first loss before going.
	agreedC, goingC, endedC, closedC, firstLostC chan struct{}
	settledC                                     chan struct{} // every ack is in or cannot come any more

	mu        sync.Mutex
	state     headState
	since     time.Time // of the state
	self      *member
	members   map[string]*member // workers by their application's ID; once agreed, those of the roster for good
	placed    []*member          // by rank, once agreed
	roster    Roster
	touched   map[int]bool // ranks of which the workers have not been told since they changed
	broken    error        // why there is no roster
	unready   int          // nodes of the roster that are not ready
	lost      *LostError   // the first while agreed
	outcome   Outcome
	unsettled int          // workers whose acknowledgement may still come, and absent ones
	absent    map[int]bool // ranks of the run before whose nodes have not heard that there is no other; true: they still may, see comeback
	problem   string
	// What has been told of peers that have proven nothing, and of those that
	// have and of the head itself, so that the first keep nothing back about these.
	strangers, applicants *notebook
	closed                bool
}

// member is a node of the run; the head itself is one without a session.
type member struct {
	node  Node
	id    string
	try   int
	sess  *session
	said  application
	ready bool
	late  bool // came when the run was going
	fail  bool // its Failed, or Done, was told
	gone  bool
	acked bool

	before       int            // its rank in the run before, see placeBefore
	pings, pongs int            // sent, and answered
	doubts       map[string]int // the ping whose answer shows that an applicant, by its ID, is another; see doubt
}

func newMember(a application, sess *session) *member {
	return &member{node: a.Node, id: a.ID, try: a.Try, sess: sess, said: a, doubts: make(map[string]int)}
}

// public is what others are told of the node.
func (m *member) public() Node {
	return Node{Name: m.node.Name, Addr: m.node.Addr, Rank: m.node.Rank}
}

// NewHead starts to listen to workers.
func NewHead(cfg HeadConfig) (*Head, error) {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	if cfg.MaxNodes == 0 {
		cfg.MaxNodes = cfg.Nodes
	}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("head of a run: %w", err)
	}
	tlsConfig, err := serverTLS()
	if err != nil {
		return nil, fmt.Errorf("head of a run: %w", err)
	}
	if l, ok := cfg.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		if err := l.SetDeadline(time.Time{}); err != nil {
			return nil, fmt.Errorf("head of a run: open the port again: %w", err)
		}
	}
	now := time.Now()
	h := &Head{
		cfg: cfg, log: cfg.Log, tls: tlsConfig, door: newDoor(), began: now, since: now,
		events:  make(chan Event, eventRoom(cfg.MaxNodes)),
		changed: make(chan struct{}, 1),
		agreedC: make(chan struct{}), goingC: make(chan struct{}), endedC: make(chan struct{}),
		closedC: make(chan struct{}), firstLostC: make(chan struct{}), settledC: make(chan struct{}),
		self:    &member{node: cfg.Self},
		members: make(map[string]*member),
		roster:  Roster{RunID: rand.Text()},
		touched: make(map[int]bool),

		strangers: newNotebook(now), applicants: newNotebook(now),
	}
	h.touch()
	h.tryAgree()
	if wait := time.Until(cfg.NotBefore); wait > 0 {
		h.wg.Go(func() { h.hold(wait) })
	}
	h.wg.Go(h.accept)
	h.wg.Go(h.tell)
	return h, nil
}

func (c HeadConfig) check() error {
	switch {
	case c.Listener == nil:
		return errors.New("no listener")
	case c.Secret != nil && len(c.Secret) == 0:
		return errors.New("the secret is empty")
	case c.Nodes < 1 || c.Nodes > maxNodes:
		return fmt.Errorf("%d nodes, accepted are 1 to %d", c.Nodes, maxNodes)
	case c.MaxNodes < c.Nodes || c.MaxNodes > maxNodes:
		return fmt.Errorf("%d nodes at most, accepted are %d to %d", c.MaxNodes, c.Nodes, maxNodes)
	case c.LostAfter < minLostAfter || c.LostAfter > maxLostAfter:
		return fmt.Errorf("nodes lost after %s, accepted is %s to %s", c.LostAfter, minLostAfter, maxLostAfter)
	case len(c.Payload) > maxPayload:
		return fmt.Errorf("a payload of %d bytes, at most %d", len(c.Payload), maxPayload)
	case len(c.Payload) > 0 && !json.Valid(c.Payload):
		return errors.New("the payload is not JSON")
	case c.Self.Rank > 0:
		return fmt.Errorf("the head's rank is %d, it must be 0", c.Self.Rank)
	}
	if _, ok := c.Listener.(interface{ SetDeadline(time.Time) error }); c.KeepOpen && !ok {
		return errors.New("a listener that cannot be kept open, for it has no SetDeadline")
	}
	return c.Self.check()
}

// Close shuts the port, unless KeepOpen, and every session at once, and waits
// until nothing of the head is left running. Workers that have had no outcome take the head for
// lost: call Finish first.
func (h *Head) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	close(h.closedC)
	sessions := make([]*session, 0, len(h.members))
	for _, m := range h.members {
		sessions = append(sessions, m.sess)
	}
	h.mu.Unlock()

	err := h.shut()
	h.door.clear()
	for _, s := range sessions {
		s.abort(net.ErrClosed)
	}
	h.wg.Wait()
	close(h.events)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the rendezvous port: %w", err)
	}
	return nil
}

// shut has no one come in any more.
func (h *Head) shut() error {
	l, ok := h.cfg.Listener.(interface{ SetDeadline(time.Time) error })
	if h.cfg.KeepOpen && ok {
		return l.SetDeadline(time.Unix(1, 0))
	}
	return h.cfg.Listener.Close()
}

// sendAll queues a frame for every worker that is there. It is called with mu
// held.
func (h *Head) sendAll(frame []byte) {
	for _, m := range h.members {
		if !m.gone && !m.sess.out.send(frame) {
			m.sess.abort(errBehind)
		}
	}
}
