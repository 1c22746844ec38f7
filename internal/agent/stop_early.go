package agent

import (
	"fmt"

	"github.com/syminit/syminit/rendezvous"
)

// begin makes what follows be about the next run: end ends it, and outcome makes
// an outcome of it. A stop that has been requested already ends it at once, unless
// this node is a worker that was in the run before: that is expected, and the
// others would wait for it. So it looks for the head to say so.
func (s *stopper) begin(end func(rendezvous.Outcome), outcome func(code int, cause string) rendezvous.Outcome, expected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.thisRun = thisRun{end: end, outcome: outcome, expected: expected}
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
