package agent

import (
	"fmt"
	"syscall"
	"time"

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

// left returns how much of STOP_TIMEOUT is left, and false when no stop has
// begun.
func (s *stopper) left() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Until(s.deadline), s.first != nil
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
// jobs: what follows their end then has the rest of the time, and is called for
// again.
func (s *stopper) expire() (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	here := s.job != nil && !s.how.headless
	cause := s.first.String()
	switch {
	case here && !over(s.job) && !s.late:
		s.late, s.killed = true, true
		s.log.Warn(fmt.Sprintf("the job still runs %s after %s: killing it; SYMINIT_STOP_TIMEOUT gives it longer", (s.timeout - s.reserve(jobReserve)).Round(time.Millisecond), signals.Name(s.first.signal)))
		_ = s.job.Signal(syscall.SIGKILL)
		return true
	case here && s.waits && !s.late: // for jobs that are being killed now; a moment later this is over
		s.late = true
		return true
	case here && !over(s.job):
		cause += "; the job was killed and is not gone, it hangs in the kernel"
	case here && !s.waits:
		s.hurry()
		return false
	}
	s.end(s.outcome(128+int(s.first.signal), cause))
	s.hurry()
	return false
}
