package agent

import (
	"fmt"
	"syscall"
	"time"
)

// watchEnd stops the run in time before the scheduler ends the job: END_MARGIN
// before, as if TERM had come to this node. A scheduler's own TERM may not
// reach a container, or only when KILL follows.
func (n *node) watchEnd(finished <-chan struct{}) {
	end := n.facts.End
	if end.IsZero() {
		return
	}
	left := time.Until(end)
	if left <= 0 {
		n.log.Warn(fmt.Sprintf("%s says that the job ended at %s, which is taken for a mistake", n.facts.Source, clock(end)))
		return
	}
	timer := time.NewTimer(left - n.cfg.EndMargin)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-finished:
		return
	}
	request := stopRequest{signal: syscall.SIGTERM, from: fmt.Sprintf("node %s, %s before %s ends the job at %s (SYMINIT_END_MARGIN)",
		n.name, time.Until(end).Round(time.Second), n.facts.Source, clock(end))}
	select {
	case n.stops <- request:
	case <-finished:
	}
}

// clock is a time of day for people.
func clock(t time.Time) string { return t.Format("15:04:05 MST") }
