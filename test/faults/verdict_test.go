package faults

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// verdict holds the end of all against what must be, and says what it was.
func (s *scene) verdict(f fault, state string) string {
	t := s.t
	head, work, other := s.end(s.head, f), s.end(s.work, f), s.end(s.other, f)
	if mistakes := s.head.book.mistakes(); len(mistakes) > 0 {
		t.Error(strings.Join(mistakes, "\n"))
	}
	draining := state == "draining"
	survived := head.code == jobCode && work.code == jobCode && other.code == jobCode
	defer func() {
		if t.Failed() {
			t.Logf("head %+v, worker %+v, other %+v", head, work, other)
			report(t, s.nodes)
		}
	}()
	switch {
	case f.late != "":
		return s.lateVerdict(f, draining, head, work, other)
	case f.small && head.code == 64 && work.code == 64 && other.code == 64:
		if !strings.Contains(head.cause, "no space left on device") || !strings.Contains(head.cause, "worker") {
			t.Error("the head doesn't say whose disk is full")
		}
		return "all 64, no room for Ray's token on the worker"
	case f.maybe:
		if !survived && (head.code != 69 || work.code == jobCode || other.code == jobCode) && !draining {
			t.Error("neither survived nor lost")
		}
		return "survived, or 69"
	case !f.fatal && !survived:
		t.Error("not survived")
	case f.fatal && !draining && (head.code == jobCode || work.code == jobCode || other.code == jobCode):
		t.Error("the job ran to its end")
	case f.fatal && draining && f.gone != "head" && (head.code != jobCode || other.code != jobCode):
		t.Error("the job's outcome is lost")
	case f.gone != "head" && !other.same(head) && (state != "gathering" || !head.failed()):
		t.Error("the other worker doesn't end as the head does")
	case f.gone == "" && !work.same(head) && !work.lostHead() && (state != "gathering" || !work.failed()):
		t.Error("the worker doesn't end as the head does")
	}
	if survived {
		return "survived"
	}
	var parts []string
	for _, e := range []ending{head, work, other} {
		if e.there {
			parts = append(parts, e.inWords())
		}
	}
	return strings.Join(parts, "; ")
}

// lateVerdict is verdict for a node that is out of touch until the others have lost
// it, and then is back. What it hears of the end is chance, but it has the head's code
// or says that it has lost contact.
func (s *scene) lateVerdict(f fault, draining bool, head, work, other ending) string {
	must := 69
	if draining {
		must = jobCode
	}
	switch {
	case f.late == "worker" && (head.code != must || !other.same(head) || !work.same(head) && !work.failed()),
		f.late == "head" && (!head.failed() && (!draining || head.code != jobCode) || !work.failed() || !other.failed()):
		s.t.Error("not what it must be")
	}
	headText, workText := head.inWords(), "worker 69"
	switch {
	case f.late == "head" && draining:
		headText, workText = "head the job's or 69", work.inWords()
	case f.late == "head":
		headText, workText = "head 69", work.inWords()
	case draining:
		workText = "worker the job's, or 69, lost the head"
	}
	return headText + "; " + workText + "; " + other.inWords()
}

// ending is how a node ended.
type ending struct {
	name  string
	there bool // it isn't killed, or frozen for good
	code  int
	cause string
}

// by is what a node's last line says of where the run was ended.
var by = regexp.MustCompile(` \(rank \d, \w+\)$`)

// end is a node's, which must be as the node's log says, and must say whom it has
// lost and how it knows.
func (s *scene) end(h *host, f fault) ending {
	if h.name == f.gone {
		return ending{name: h.name, code: -1}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := ending{h.name, true, h.code, h.cause}
	if h.small { // its log is lost
		return e
	}
	if e.cause == "" {
		s.t.Errorf("the %s ended with %d, and without a word", h.name, h.code)
	}
	whom := regexp.MustCompile(`^lost (node worker|worker|the head head) (\(.*\))?: (` + f.words + `)`)
	if strings.HasPrefix(e.cause, "lost ") && h.name != f.late && !whom.MatchString(e.cause) {
		s.t.Errorf("the %s says %q, and not that a node is lost, and that: %s", h.name, e.cause, f.words)
	}
	return e
}

// same reports whether two nodes have the same end; one without a log has no cause.
func (e ending) same(o ending) bool {
	return e.code == o.code && (e.cause == "" || by.ReplaceAllString(e.cause, "") == by.ReplaceAllString(o.cause, ""))
}

func (e ending) failed() bool   { return e.code == 69 }
func (e ending) lostHead() bool { return e.failed() && strings.HasPrefix(e.cause, "lost the head") }

// inWords is how a node ended, for a cell.
func (e ending) inWords() string {
	switch {
	case e.code == jobCode:
		return e.name + " the job's"
	case e.lostHead():
		return e.name + " 69, lost the head"
	case !e.failed():
	case strings.HasPrefix(e.cause, "lost node worker"), strings.HasPrefix(e.cause, "lost worker"):
		return e.name + " 69, lost the worker"
	case strings.Contains(e.cause, "nodes here"), strings.Contains(e.cause, "not all nodes"):
		return e.name + " 69, nodes are missing"
	case strings.HasPrefix(e.cause, "no head at"):
		return e.name + " 69, no head"
	}
	return fmt.Sprintf("%s %d, %s", e.name, e.code, e.cause)
}

// times is how long after the fault what was to be seen of it.
func (s *scene) times(f fault) string {
	since := func(t time.Time) string { return fmt.Sprintf("%.1f", max(t.Sub(s.struck).Seconds(), 0)) }
	var parts []string
	var found time.Time
	for _, h := range s.nodes {
		h.mu.Lock()
		if !h.found.IsZero() && (found.IsZero() || h.found.Before(found)) {
			found = h.found
		}
		if h.name != f.gone {
			parts = append(parts, h.name+" "+since(h.over))
		}
		h.mu.Unlock()
	}
	text := strings.Join(parts, ", ")
	if !found.IsZero() {
		text = "lost " + since(found) + "; " + text
	}
	if !s.told.IsZero() {
		text = "job " + since(s.told) + "; " + text
	}
	return text
}
