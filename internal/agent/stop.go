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

// Parts of STOP_TIMEOUT that are kept back. The job's is for what follows its
// end: telling the other nodes, ending the runtime, sweeping strays. A node
// without the job waits longer than that for the head to say how it ended, and
// what is said then has a part of the rest to arrive. Between two runs it looks for
// the head so long: the head has to end what it ran, and be found.
const (
	jobReserve  = 1500 * time.Millisecond
	nodeReserve = 500 * time.Millisecond
	tellReserve = 250 * time.Millisecond
	seekTime    = 4 * time.Second
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

// jobStop is how a job is told to stop.
type jobStop struct {
	headless bool   // it isn't: it ends when the head's has
	again    bool   // a second time some time after the first
	abrupt   bool   // its engine ends at once, and requests in flight get no answer
	server   server // what it is; nil: not to be known
}

// A server takes requests, and answers them.
type server interface {
	Listens() bool   // takes connections
	Connected() bool // has some
}

// String says which signal came where.
func (r stopRequest) String() string { return signals.Name(r.signal) + " on " + r.from }

// A stopper carries signals to the job, and turns TERM and INT into the end of
// the run: the job gets the signal first, and the rest of STOP_TIMEOUT to end.
type stopper struct {
	stopConfig

	patient context.Context // until the node has waited for the run's end long enough
	hurry   context.CancelFunc

	mu       sync.Mutex
	end      func(rendezvous.Outcome) // ends the run from outside the flow
	outcome  func(code int, cause string) rendezvous.Outcome
	job      *launch.Process
	how      jobStop
	serving  bool        // the job has said that it serves
	waits    bool        // the job has ended, and the run goes on until others' have
	expected bool        // the others wait for this node, see begin
	seek     *time.Timer // until then it looks for the head
	member   member
	first    *stopRequest // the one that began the stop
	deadline time.Time    // when the container has to be gone; zero before a stop
	killed   bool         // the job was killed at the deadline, and may hang in the kernel
	// unanswered says that it was killed because of requests without an answer.
	unanswered bool
	expired    bool           // the deadline has passed, with the job at its end already
	alone      bool           // the supervisor is gone
	told       map[string]int // how often each node was told to stop
	passed     int            // how often the job was
}

func newStopper(c stopConfig) *stopper {
	s := &stopper{
		stopConfig: c, told: map[string]int{},
		end:     func(rendezvous.Outcome) {}, // begin sees to what was missed
		outcome: func(int, string) rendezvous.Outcome { return rendezvous.Outcome{} },
		seek:    time.NewTimer(0),
	}
	<-s.seek.C
	s.patient, s.hurry = context.WithCancel(context.Background())
	return s
}

// begin makes what follows be about the next run: end ends it, and outcome makes
// an outcome of it. A stop that has been requested already ends it at once, unless
// this node is a worker that was in the run before: that is expected, and the
// others would wait for it. So it looks for the head to say so.
func (s *stopper) begin(end func(rendezvous.Outcome), outcome func(code int, cause string) rendezvous.Outcome, expected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end, s.outcome, s.job, s.how, s.member, s.serving, s.waits = end, outcome, nil, jobStop{}, nil, false, false
	s.expected = expected
	switch {
	case s.alone:
		s.endAbandoned()
	case s.first != nil:
		s.endOrSeek()
	}
}

// endOrSeek ends a run that has not begun, now or once this node has looked for the
// head in vain. It is called with mu held.
func (s *stopper) endOrSeek() {
	if !s.expected || s.reached() {
		s.endBeforeTheJob()
		return
	}
	s.seek.Reset(s.reserve(seekTime))
}

// reached is called with mu held.
func (s *stopper) reached() bool { return s.member != nil && s.member.Reached() }

// seekNoMore ends the run of a node that has not found the head in time.
func (s *stopper) seekNoMore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reached() {
		s.log.Warn(fmt.Sprintf("the head isn't to be reached within %s, and may wait for this node: tell it to stop too", s.reserve(seekTime)))
		s.endBeforeTheJob()
	}
}

// endBeforeTheJob is called with mu held.
func (s *stopper) endBeforeTheJob() {
	s.end(s.outcome(128+int(s.first.signal), s.first.String()+" before the job started"))
}

// setMember makes signals go through m from now on, those that still have to
// among them.
func (s *stopper) setMember(m member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.member = m
	if s.first != nil && s.expected && !m.Stop(s.first.signal) {
		s.endBeforeTheJob()
	}
}

// startJob starts the job unless the run is being stopped already, so that no
// signal falls between the two.
func (s *stopper) startJob(how jobStop, start func() (*launch.Process, error)) (*launch.Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != nil {
		return nil, failf(128+int(s.first.signal), "%s before the job started", s.first)
	}
	p, err := start()
	s.job, s.how = p, how
	return p, err
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

// toldJob reports whether the job was told to stop.
func (s *stopper) toldJob() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passed > 0
}

// serves says that the job does.
func (s *stopper) serves() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving = true
}

// waitForOthers says that the job's end isn't the run's.
func (s *stopper) waitForOthers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = true
}

// orphan reports whether the supervisor is gone.
func (s *stopper) orphan() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alone
}

// killedJob reports whether the job was killed at the deadline.
func (s *stopper) killedJob() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.killed
}

// left returns how much of STOP_TIMEOUT is left, and false when no stop has
// begun.
func (s *stopper) left() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Until(s.deadline), s.first != nil
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

// listening returns the job that the signal is about to end if it may have
// requests; nil: it has none. That is asked before anything is locked, as it takes
// a moment; a job that starts meanwhile has no requests yet.
func (s *stopper) listening(sig syscall.Signal) *launch.Process {
	s.mu.Lock()
	job, server := s.job, s.how.server
	s.mu.Unlock()
	if to, ok := s.rewrites.Apply(sig); !ok || !signals.AsksToEnd(to) || server == nil || !server.Listens() {
		return nil
	}
	return job
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

func (s *stopper) forward(sig syscall.Signal, listening *launch.Process) {
	if signals.AsksToEnd(sig) {
		s.passed++
		if s.member != nil {
			s.member.Spread(sig)
		}
		if s.passed == 1 && s.how.again {
			job, after := s.job, tellAgainSoon
			if s.serving {
				after = tellAgainAfter
			}
			time.AfterFunc(after, func() { s.tellAgain(job, sig, after) })
		}
		if s.passed == 1 && s.how.abrupt {
			go s.endUnanswered(s.job, s.how.server)
		}
	}
	s.send(sig, listening)
}

// send is called with mu held.
func (s *stopper) send(sig syscall.Signal, listening *launch.Process) {
	to, ok := s.rewrites.Apply(sig)
	if !ok {
		return
	}
	var err error
	switch {
	case to == syscall.SIGCONT:
		err = s.job.Continue()
	case signals.AsksToEnd(to):
		err = s.job.Ask(to, s.how.server == nil || s.job == listening)
	default:
		err = s.job.Signal(to)
	}
	if err != nil {
		s.log.Debug("signal not delivered", zap.Stringer("signal", to), zap.Error(err))
	}
}

// tellAgain tells the job a second time to stop, unless it has ended or somebody
// else has done so.
func (s *stopper) tellAgain(job *launch.Process, sig syscall.Signal, after time.Duration) {
	listening := s.listening(sig)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job == job && s.passed == 1 && !over(job) {
		s.log.Info(fmt.Sprintf("the job still runs %s after %s: sending it again", after, signals.Name(sig)))
		s.send(sig, listening)
	}
}

// over reports whether a job has ended.
func over(job *launch.Process) bool {
	select {
	case <-job.Done():
		return true
	default:
		return false
	}
}

// patience is how long after the first request this node waits for the run to
// end by itself.
func (s *stopper) patience() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job != nil && !s.how.headless {
		return s.timeout - s.reserve(jobReserve)
	}
	return s.timeout - s.reserve(nodeReserve)
}

// reserve is how much of the timeout is kept back; less of a short one.
func (s *stopper) reserve(usual time.Duration) time.Duration {
	return min(usual, time.Duration(float64(s.timeout)*float64(usual)/float64(4*jobReserve)))
}

// expire ends what did not end by itself in time. It reports whether that was
// the job: what follows its end then has the rest of the time, and is called for
// again.
func (s *stopper) expire() (killed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job == nil || s.how.headless || s.waits && s.expired {
		s.end(s.outcome(128+int(s.first.signal), s.first.String()))
		s.hurry()
		return false
	}
	select {
	case <-s.job.Done():
		if s.waits { // for jobs that are being killed now; a moment later this is over
			s.expired = true
			return true
		}
		s.hurry()
		return false
	default:
		if s.killed {
			s.end(s.outcome(128+int(s.first.signal), s.first.String()+"; the job was killed and is not gone, it hangs in the kernel"))
			s.hurry()
			return false
		}
		s.killed = true
		s.log.Warn(fmt.Sprintf("the job still runs %s after %s: killing it; SYMINIT_STOP_TIMEOUT gives it longer", (s.timeout - s.reserve(jobReserve)).Round(time.Millisecond), signals.Name(s.first.signal)))
		_ = s.job.Signal(syscall.SIGKILL)
		return true
	}
}
