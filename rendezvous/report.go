package rendezvous

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"go.uber.org/zap"
)

// maxReport is how large a node's report may be, in bytes: what a head of
// thousands can hold.
const maxReport = 16 << 10

// Report is what a worker says of itself when it joins.
type Report struct {
	Node Node            // with its rank
	Body json.RawMessage // what [WorkerConfig.Report] gave; nil: nothing
	// Ahead is how far the worker's clock is ahead of the head's. The truth is
	// not further away than Within: half of the time that the worker had to
	// tell. Both are 0 where the worker doesn't tell its time.
	Ahead, Within time.Duration
}

// timed compares the worker's clock, as it told it between two moments here.
func (a *application) timed(asked, heard time.Time) {
	if a.Now == 0 {
		return
	}
	a.within = heard.Sub(asked)/2 + time.Millisecond // it is told in whole ones
	a.ahead = time.UnixMilli(a.Now).Sub(asked.Add(heard.Sub(asked) / 2).Round(0))
}

// report is what the member said when it joined. The head keeps it no longer.
func (m *member) report() Report {
	r := Report{Node: m.public(), Body: m.said.Report, Ahead: m.said.ahead, Within: m.said.within}
	m.said.Report = nil
	return r
}

// approve asks the head's program for its consent to the nodes that are here. It
// is called with mu held.
func (h *Head) approve() error {
	reports := make([]Report, 0, len(h.placed))
	for _, m := range h.placed[1:] {
		reports = append(reports, m.report())
	}
	if h.cfg.Approve == nil {
		return nil
	}
	return h.cfg.Approve(h.self.public(), reports)
}

// report is what this node says of itself, if it isn't too much.
func (c *WorkerConfig) report(own netip.Addr) json.RawMessage {
	if c.Report == nil {
		return nil
	}
	body := c.Report(own)
	if err := checkReport(body); err != nil {
		c.Log.Warn("this node reports nothing to the head", zap.Error(err))
		return nil
	}
	return body
}

func checkReport(body json.RawMessage) error {
	if len(body) > maxReport {
		return fmt.Errorf("a report of %d bytes, at most %d", len(body), maxReport)
	}
	return nil
}
