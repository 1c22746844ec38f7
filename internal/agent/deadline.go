package agent

import (
	"fmt"
	"syscall"
	"time"
)

// watchEnd stops the run in time before the scheduler ends the job: END_MARGIN
// before, as if TERM had come to this node. A scheduler's own TERM may not
// reach a container, or only when KILL follows.
func watchEnd(c Config, stops chan<- stopRequest, finished <-chan struct{}) {
	end := c.Facts.End
	if end.IsZero() {
		return
	}
	left := time.Until(end)
	if left <= 0 {
		c.Log.Warn(fmt.Sprintf("%s says that the job ended at %s, which is taken for a mistake", c.Facts.Source, clock(end)))
		return
	}
	timer := time.NewTimer(left - c.Settings.EndMargin)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-finished:
		return
	}
	request := stopRequest{signal: syscall.SIGTERM, from: fmt.Sprintf("node %s, %s before %s ends the job at %s (SYMINIT_END_MARGIN)",
		nameOf(c), time.Until(end).Round(time.Second), c.Facts.Source, clock(end))}
	select {
	case stops <- request:
	case <-finished:
	}
}

// clock is a time of day for people.
func clock(t time.Time) string { return t.Format("15:04:05 MST") }
