package agent

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/status"
	"github.com/syminit/syminit/rendezvous"
	"github.com/syminit/syminit/signals"
)

// stopConfig is what a stopper needs.
type stopConfig struct {
	log      *zap.Logger
	self     string        // this node, for people
	timeout  time.Duration // STOP_TIMEOUT
	rewrites signals.Rewrites
	board    *status.Board
}

// A stopRequest is a signal that ends the run, and where it came from.
type stopRequest struct {
	signal syscall.Signal
	from   string // the node that was told to stop
	own    bool   // that node is this one
	// passedOn says that the head has decided about it: it is for this node's
	// job.
	passedOn bool
	handled  chan<- struct{} // closed once the job has been told; may be nil
}

// String says which signal came where.
func (r stopRequest) String() string { return signals.Name(r.signal) + " on " + r.from }

// A stopper carries signals to the job, and turns TERM and INT into the end of
// the run: the job gets the signal first, and the rest of STOP_TIMEOUT to end.
//
//	going ── TERM or INT ──▶ stopping ── a job has had its time: it is killed ──▶ late
//	                            └──── time is up, no job here ──▶ hurried ◀── time is up ──┘
//
// The run may end by itself at any point. Once hurried, the node waits for no other.
type stopper struct {
	stopConfig

	patient context.Context // until the node has waited for the run's end long enough
	hurry   context.CancelFunc

	mu       sync.Mutex
	thisRun                 // that a stop would end
	first    *stopRequest   // the one that began the stop
	told     map[string]int // how often each node was told to stop
	deadline time.Time      // when the container has to be gone; zero before a stop
	late     bool           // jobs have had their time, here or on other nodes
	seek     *time.Timer    // until then it looks for the head
	alone    bool           // the supervisor is gone
}

// thisRun is what a stopper knows of a run.
type thisRun struct {
	end      func(rendezvous.Outcome) // ends it from outside the flow
	outcome  func(code int, cause string) rendezvous.Outcome
	expected bool // the others wait for this node, see begin
	member   member
	job      *launch.Process
	how      jobStop
	serving  bool // the job has said that it serves
	passed   int  // how often the job was told to stop
	waits    bool // the job has ended, and the run goes on until others' have
	killed   bool // the job was killed when it was late, and may hang in the kernel
	// unanswered says that it was killed because of requests without an answer.
	unanswered bool
}

func newStopper(c stopConfig) *stopper {
	s := &stopper{
		stopConfig: c, told: map[string]int{}, seek: time.NewTimer(0),
		thisRun: thisRun{
			end:     func(rendezvous.Outcome) {}, // begin sees to what was missed
			outcome: func(int, string) rendezvous.Outcome { return rendezvous.Outcome{} },
		},
	}
	<-s.seek.C
	s.patient, s.hurry = context.WithCancel(context.Background())
	return s
}

// requested returns the request that began the stop, if one did.
func (s *stopper) requested() (stopRequest, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		return stopRequest{}, false
	}
	return *s.first, true
}

// stopping reports whether nothing new may begin.
func (s *stopper) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first != nil || s.alone
}

// orphan reports whether the supervisor is gone.
func (s *stopper) orphan() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alone
}

// run handles signals until this node is done. own is closed when the
// supervisor is gone.
func (s *stopper) run(own <-chan syscall.Signal, others <-chan stopRequest, finished <-chan struct{}) {
	expired := time.NewTimer(0)
	<-expired.C
	for {
		var request stopRequest
		select {
		case <-finished:
			return
		case sig, ok := <-own:
			if !ok {
				s.abandoned()
				own = nil
				continue
			}
			request = stopRequest{signal: sig, own: true, from: s.self}
		case request = <-others:
		case <-s.seek.C:
			s.seekNoMore()
			continue
		case <-expired.C:
			if s.expire() {
				expired.Reset(s.reserve(jobReserve) - s.reserve(nodeReserve))
			}
			continue
		}
		if s.handle(request, s.listening(request.signal)) {
			expired.Reset(s.patience())
		}
		if request.handled != nil {
			close(request.handled)
		}
	}
}

// handle reports whether the request began the stop. The job has requests if it is
// the one that listens.
func (s *stopper) handle(r stopRequest, listening *launch.Process) (began bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stops := signals.AsksToEnd(r.signal)
	began = stops && s.first == nil
	if began {
		s.first = &r
		s.deadline = time.Now().Add(s.timeout)
		s.board.End(s.first.String())
		s.log.Info(s.first.String() + ": ending the run")
	}
	s.told[r.from]++
	switch {
	case stops && !r.passedOn && s.member != nil && s.member.Stop(r.signal): // the head decides
		if began && !s.reached() {
			s.endOrSeek()
		}
	case stops && s.job != nil && s.how.headless:
	case s.job != nil:
		// With compose every node is told at the same time, and the job is to
		// hear that once; but twice if one of them is told twice.
		if r.own || r.passedOn || s.told[r.from] > s.passed {
			s.forward(r.signal, listening)
		}
	case !stops:
	case began:
		s.endOrSeek()
	}
	return began
}

// abandoned ends the run of a node that nobody waits for any more.
func (s *stopper) abandoned() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone = true
	s.endAbandoned()
}

// endAbandoned is called with mu held. A container that is killed loses its
// process 1 first, and this agent a moment later: whether the other nodes still
// hear this or find the link cut, to them the node is lost.
func (s *stopper) endAbandoned() {
	o := s.outcome(CodeLost, "")
	switch {
	case o.Rank == 0:
		o.Cause = "lost the head " + o.Node
	case o.Rank > 0:
		o.Cause = fmt.Sprintf("lost node %s (rank %d)", o.Node, o.Rank)
	default:
		o.Cause = "lost node " + o.Node
	}
	o.Cause += ": its supervisor is gone"
	s.end(o)
}
