package agent

import (
	"fmt"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/signals"
)

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

// killedJob reports whether the job was killed at the deadline.
func (s *stopper) killedJob() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.killed
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
