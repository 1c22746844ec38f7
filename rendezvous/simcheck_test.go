package rendezvous

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// check holds what became of the nodes against what must be.
func (s *simulation) check(t *testing.T) {
	t.Helper()
	head := s.nodes[0]
	for _, n := range s.nodes[1:] {
		if n.killed {
			continue
		}
		s.checkEnding(t, head, n)
		s.checkTime(t, head, n)
		if n.rank != NoRank {
			s.checkRoster(t, head, n)
		}
	}
	for name, times := range head.lost {
		if times > 1 {
			t.Errorf("%s was lost %d times", name, times)
		}
	}
}

// checkEnding wants one outcome everywhere, or a worker that says that it has
// lost the head, and a clear error of whoever did not become part of the run.
func (s *simulation) checkEnding(t *testing.T, head, n *simNode) {
	t.Helper()
	lostHead := n.outcome != nil && n.outcome.Code == codeLost && strings.HasPrefix(n.outcome.Cause, "lost the head")
	same := n.outcome != nil && head.outcome != nil && n.outcome.Code == head.outcome.Code &&
		n.outcome.Node == head.outcome.Node && n.outcome.Cause == head.outcome.Cause
	switch ending := n.ending(); {
	case n.worker.refused && n.rank != NoRank:
		t.Errorf("%s was taken in", n.name)
	case n.worker.refused && s.plan.spared(n.addr) && n.worker.starts == 0 && ending != "refused":
		t.Errorf("%s was not refused: %s", n.name, ending)
	case ending == "refused" && !n.worker.refused && !s.tooMany() && !s.sharesAddress(n):
		t.Errorf("%s was refused: %v", n.name, n.err)
	case n.outcome == nil && !slices.Contains([]string{"refused", "missing", "unreachable"}, ending):
		t.Errorf("%s has neither an outcome nor a clear error: %v", n.name, n.err)
	case n.outcome != nil && !same && !lostHead:
		t.Errorf("%s ended with %+v, the head with %+v", n.name, n.outcome, head.outcome)
	case lostHead && s.plan.spared(n.addr):
		t.Errorf("%s lost the head over a good line", n.name)
	case (n.rank != NoRank || !n.told.IsZero()) && s.plan.spared(n.addr) && !same:
		t.Errorf("%s has not heard how the run ended", n.name)
	case !n.told.IsZero() && s.plan.spared(n.addr) && n.ended.After(n.told.Add(time.Second)):
		t.Errorf("%s was told to stop and ended %s later", n.name, n.ended.Sub(n.told))
	}
	// Who lost the head did not acknowledge, and the head knows.
	if lostHead && !head.killed && head.outcome != nil && head.rank != NoRank && head.roster.RunID == n.roster.RunID &&
		!slices.ContainsFunc(head.silent, func(m Node) bool { return m.Name == n.name }) {
		t.Errorf("%s lost the head, and the head takes it for told", n.name)
	}
	if n.rank != NoRank && s.plan.spared(n.addr) && slices.ContainsFunc(head.silent, func(m Node) bool { return m.Name == n.name }) {
		t.Errorf("%s was told and the head does not know", n.name)
	}
}

func (s *simulation) tooMany() bool { return len(s.plan.workers) >= s.plan.nodes }

// sharesAddress reports that an intruder may have been first at this address.
func (s *simulation) sharesAddress(n *simNode) bool {
	return slices.ContainsFunc(s.nodes, func(m *simNode) bool { return m != n && m.addr == n.addr })
}

// checkTime wants nobody to outstay its deadline.
func (s *simulation) checkTime(t *testing.T, head, n *simNode) {
	t.Helper()
	by := s.began.Add(n.worker.starts + simJoin + partingTime) // Join, with its Close
	if n.rank != NoRank {
		end := head.ended
		if head.killed {
			end = s.began.Add(2 * time.Minute) // its last fault
		}
		by = s.net.latest(end).Add(s.plan.lostAfter + partingTime)
		if start := s.began.Add(n.worker.starts + simJoin + simStart + s.plan.lostAfter); by.Before(start) && head.killed {
			by = start
		}
	}
	if n.ended.After(by.Add(time.Second)) {
		t.Errorf("%s ended %s late: %s", n.name, n.ended.Sub(by), n.ending())
	}
}

// checkRoster wants the same roster on every node.
func (s *simulation) checkRoster(t *testing.T, head, n *simNode) {
	t.Helper()
	if got := n.roster.Nodes[n.rank]; got.Name != n.name || got.Rank != n.rank {
		t.Errorf("%s has the rank of %+v", n.name, got)
	}
	if head.rank != NoRank && !reflect.DeepEqual(n.roster, head.roster) {
		t.Errorf("%s has the roster %+v, the head %+v", n.name, n.roster, head.roster)
	}
	if !slices.IsSortedFunc(n.roster.Nodes[1:], func(a, b Node) int { return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Name, b.Name)) }) {
		t.Errorf("%s has a roster out of order: %+v", n.name, n.roster)
	}
}
