package agent

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/rendezvous"
)

// A gatheringRun is a head that waits for more nodes, and one worker that waits there.
type gatheringRun struct {
	head   *rendezvous.Head
	worker *workerMember
	in     chan struct{} // gets a value when a head has taken the worker in
	conns  chan net.Conn // the worker's
	err    chan error    // of the worker's Agree
}

func newGathering(t *testing.T) *gatheringRun {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gatheringRun{in: make(chan struct{}, 100), conns: make(chan net.Conn, 100), err: make(chan error, 1)}
	g.head, err = rendezvous.NewHead(rendezvous.HeadConfig{
		Listener: l, Self: rendezvous.Node{Name: "a"}, Nodes: 3, LostAfter: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.head.Close() })
	g.worker = &workerMember{
		log: zap.NewNop(), decided: make(chan struct{}), met: func() {},
		join: rendezvous.WorkerConfig{
			Self: rendezvous.Node{Name: "b", Rank: rendezvous.NoRank},
			Dial: func(ctx context.Context) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
				if err == nil {
					g.conns <- conn
				}
				return conn, err
			},
			Progress: func(p rendezvous.Progress) {
				if p.Stage == rendezvous.Gathering {
					g.in <- struct{}{}
				}
			},
		},
	}
	return g
}

// joins has the worker join, and returns once the head has taken it in.
func (g *gatheringRun) joins(t *testing.T) {
	t.Helper()
	go func() {
		_, _, err := g.worker.Agree(t.Context())
		g.err <- err
	}()
	<-g.in
}

// TestTermOnAWorkerThatWaits ends the head and, by it, whoever waits there.
func TestTermOnAWorkerThatWaits(t *testing.T) {
	g := newGathering(t)
	if g.worker.Stop(syscall.SIGTERM) {
		t.Error("a worker waits for a head that it has not reached")
	}
	head := newStopRun(t, time.Minute)
	m := headMember{Head: g.head, log: zap.NewNop(), orphan: func() bool { return false }, goesOn: func() bool { return false }}
	head.setMember(m)
	go m.watch(func(o rendezvous.Outcome) { t.Errorf("another end: %+v", o) }, head.others)
	g.joins(t)

	worker := newStopRun(t, time.Minute)
	worker.setMember(g.worker)
	worker.own <- syscall.SIGTERM
	o := <-head.ended
	if o.Code != 143 || !strings.HasPrefix(o.Cause, "SIGTERM on node b (127.0.0.1) before") {
		t.Errorf("the head ends with %+v", o)
	}
	m.Settle(t.Context(), o, func(o rendezvous.Outcome) rendezvous.Outcome { return o })
	n := &node{life: t.Context()}
	if got := n.outcomeOf(<-g.err); got.Code != o.Code || got.Cause != o.Cause {
		t.Errorf("the worker ends with %+v, the head with %+v", got, o)
	}
	if len(worker.ended) > 0 {
		t.Errorf("the worker did not wait for the head's word: %+v", <-worker.ended)
	}
}

// TestTermOnAWorkerBetweenTwoRuns, which the others expect back: it tells the head as
// soon as that takes it in.
func TestTermOnAWorkerBetweenTwoRuns(t *testing.T) {
	for name, comes := range map[string]func(s *stopper, next func(), m member, term func()){
		"in the run before":    func(s *stopper, next func(), m member, term func()) { term(); next(); s.setMember(m) },
		"before it looks":      func(s *stopper, next func(), m member, term func()) { next(); term(); s.setMember(m) },
		"looking for the head": func(s *stopper, next func(), m member, term func()) { next(); s.setMember(m); term() },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGathering(t)
			g.worker.join.Was = rendezvous.Place{RunID: "OLD", Rank: 1}
			r := newStopRun(t, time.Minute)
			next := func() {
				r.begin(func(o rendezvous.Outcome) { t.Errorf("it did not wait for the head's word: %+v", o) }, nil, true)
			}
			comes(r.stopper, next, g.worker, func() { r.own <- syscall.SIGTERM; r.own <- syscall.SIGWINCH })
			g.joins(t)
			if e, ok := (<-g.head.Events()).(rendezvous.Stopped); !ok || e.Node.Name != "b" || e.Signal != syscall.SIGTERM {
				t.Errorf("event %+v", e)
			}
			r.seekNoMore()
			g.head.Finish(t.Context(), rendezvous.Outcome{Code: 143})
			if end, ok := errors.AsType[*rendezvous.EndedError](<-g.err); !ok || end.Outcome.Code != 143 {
				t.Errorf("the worker ends with %+v", end)
			}
		})
	}
}

// TestHeadIsSoughtForAWhile: a worker between two runs that is told to stop leaves in
// time if there is no head.
func TestHeadIsSoughtForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, ended := newStopRun(t, time.Minute), make(chan time.Time, 1)
		r.begin(func(rendezvous.Outcome) { ended <- time.Now() }, r.outcome, true)
		r.setMember(&workerMember{join: rendezvous.WorkerConfig{Was: rendezvous.Place{RunID: "OLD", Rank: 1}}})
		began := time.Now()
		r.own <- syscall.SIGTERM
		if took := (<-ended).Sub(began); took != seekTime {
			t.Errorf("it left after %s, want %s", took, seekTime)
		}
	})
}

// TestHeadThatIsGoneIsSoughtToo: one that has taken the worker in and has ended since
// doesn't pass a stop on.
func TestHeadThatIsGoneIsSoughtToo(t *testing.T) {
	g := newGathering(t)
	g.worker.join.Was = rendezvous.Place{RunID: "OLD", Rank: 1}
	dials, dial := make(chan struct{}, 1000), g.worker.join.Dial
	g.worker.join.Dial = func(ctx context.Context) (net.Conn, error) {
		dials <- struct{}{}
		return dial(ctx)
	}
	r, ended := newStopRun(t, time.Minute), make(chan rendezvous.Outcome, 1)
	r.begin(func(o rendezvous.Outcome) { ended <- o }, r.outcome, true)
	r.setMember(g.worker)
	g.joins(t)
	<-dials
	_ = g.head.Close()
	<-dials // so the session is over
	r.own <- syscall.SIGTERM
	r.own <- syscall.SIGWINCH // the first has been heeded
	r.seekNoMore()
	select {
	case o := <-ended:
		if o.Code != 143 {
			t.Errorf("it ends with %+v", o)
		}
	default:
		t.Error("it waits for a head that is gone")
	}
}

// TestStopIsToldAgain over the next connection, for the head may not have heard it.
func TestStopIsToldAgain(t *testing.T) {
	g := newGathering(t)
	g.joins(t)
	if !g.worker.Stop(syscall.SIGINT) {
		t.Fatal("the worker leaves a head that it can ask")
	}
	heard := func(e rendezvous.Event) {
		if e, ok := e.(rendezvous.Stopped); !ok || e.Node.Name != "b" || e.Signal != syscall.SIGINT {
			t.Errorf("event %+v", e)
		}
	}
	heard(<-g.head.Events())
	_ = (<-g.conns).Close()
	heard(<-g.head.Events())
	g.head.Finish(t.Context(), rendezvous.Outcome{Code: 130})
	if err := <-g.err; err == nil {
		t.Error("a roster of a run that was stopped")
	}
}

// TestStopOfANodeWhosePlaceIsTaken: a worker between two runs is told to stop, and
// finds a spare node in its place. That it gets none isn't why it ends.
func TestStopOfANodeWhosePlaceIsTaken(t *testing.T) {
	h, port := lookedAt(t, "head", good("")).leads(t)
	defer func() { _ = h.Close() }()
	spare := lookedAt(t, "spare", good(""))
	s := spare.follows("127.0.0.2", port, nil)
	if _, err := spare.agree(s); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()

	own := lookedAt(t, "own", good(""))
	r := newStopRun(t, time.Minute)
	own.stop, own.place = r.stopper, rendezvous.Place{RunID: "OLD", Rank: 1}
	r.begin(own.end, own.outcome, true)
	w := own.follows("127.0.0.3", port, nil)
	r.setMember(w)
	r.own <- syscall.SIGTERM
	r.own <- syscall.SIGWINCH // taken when the other has been handled
	_, err := own.agree(w)
	if o := own.outcomeOf(err); o.Code != 143 || !strings.HasPrefix(o.Cause, "SIGTERM on node a before") {
		t.Errorf("it ends with %+v", o)
	}
	// On a slow machine the time for looking may be over first.
	if told := own.log.FilterMessageSnippet("the run has its 2 nodes").Len(); told != 1 && own.life.Err() == nil {
		t.Errorf("logged %+v", own.log.All())
	}
}
