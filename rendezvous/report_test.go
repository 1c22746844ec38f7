package rendezvous

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// saying has a worker report text with its address.
func saying(cfg WorkerConfig, text string) WorkerConfig {
	cfg.Report = func(own netip.Addr) json.RawMessage {
		body, _ := json.Marshal(text + " " + own.String())
		return body
	}
	return cfg
}

// TestReportsAreThereWhenTheNodesAre has the head's program see what each worker
// has said, before the roster goes out.
func TestReportsAreThereWhenTheNodesAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		cfg.MaxNodes = 4
		var self Node
		var got []Report
		cfg.Approve = func(head Node, workers []Report) error {
			self, got = head, workers
			return nil
		}
		r := agree(t, cfg, saying(p.worker("c", "10.0.0.3"), "slow"), p.worker("b", "10.0.0.2"))
		if self.Name != "head" || self.Addr != addr("10.0.0.1") || self.Rank != 0 {
			t.Errorf("the head is %+v", self)
		}
		if len(got) != 2 || got[0].Node.Name != "b" || got[0].Body != nil ||
			got[1].Node.Name != "c" || got[1].Node.Rank != 2 || string(got[1].Body) != `"slow 10.0.0.3"` {
			t.Errorf("reports %+v", got)
		}
		for _, one := range got { // their clock is the head's
			if one.Ahead.Abs() > one.Within || one.Within <= 0 || one.Within > time.Second {
				t.Errorf("%s is %s ahead, within %s", one.Node.Name, one.Ahead, one.Within)
			}
		}
		r.ready(t)
		late := <-start(t.Context(), saying(p.worker("d", "10.0.0.4"), "late"))
		if late.err != nil {
			t.Fatal(late.err)
		}
		r.workers = append(r.workers, late.Worker)
		if e, ok := (<-r.head.Events()).(Joined); !ok || e.Node.Name != "d" || string(e.Body) != `"late 10.0.0.4"` {
			t.Errorf("event %+v", e)
		}
		r.head.Finish(t.Context(), theEnd)
		r.close(t)
	})
}

// TestDisapproval has the head's program refuse the run: nobody gets the roster,
// and everybody the outcome.
func TestDisapproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		no := errors.New("b is too small")
		cfg.Approve = func(Node, []Report) error { return no }
		h := startHead(t, cfg)
		b, c := start(t.Context(), p.worker("b", "10.0.0.2")), start(t.Context(), p.worker("c", "10.0.0.3"))
		if _, err := h.Gather(t.Context()); !errors.Is(err, no) {
			t.Errorf("gathered with error %v", err)
		}
		end := Outcome{Code: 75, Cause: no.Error()}
		finish(t, h, end)
		for _, j := range []joined{<-b, <-c} {
			if e := as[*EndedError](t, j.err); e.Outcome.Code != 75 || e.Outcome.Cause != no.Error() {
				t.Errorf("outcome %+v", e.Outcome)
			}
		}
		_ = h.Close()
	})
}

func TestReportThatIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		var got []Report
		cfg.Approve = func(_ Node, workers []Report) error {
			got = workers
			return nil
		}
		b := saying(p.worker("b", "10.0.0.2"), strings.Repeat("x", maxReport))
		seen := logged(&b.Log)
		r := agree(t, cfg, b)
		if len(got) != 1 || got[0].Body != nil {
			t.Errorf("reports %+v", got)
		}
		if !said(seen, "reports nothing", "a report of") {
			t.Errorf("the worker's log is %v", seen.All())
		}
		r.head.Finish(t.Context(), theEnd)
		r.close(t)
	})
}

// TestClocks compares a worker's clock by when it was asked and heard.
func TestClocks(t *testing.T) {
	noon := time.Unix(1_700_000_000, 0)
	for name, tt := range map[string]struct {
		told, took, ahead time.Duration
	}{
		"the same":      {50 * time.Millisecond, 100 * time.Millisecond, 0},
		"ahead":         {time.Minute + 50*time.Millisecond, 100 * time.Millisecond, time.Minute},
		"behind, slow":  {-time.Hour, 2 * time.Second, -time.Hour - time.Second},
		"out of bounds": {1<<63 - 1 - 1_700_000_000*time.Second, 0, 1<<63 - 1 - 1_700_000_000*time.Second},
	} {
		a := application{Now: noon.Add(tt.told).UnixMilli()}
		a.timed(noon, noon.Add(tt.took))
		if off := (a.ahead - tt.ahead).Abs(); off > time.Millisecond || a.within != tt.took/2+time.Millisecond {
			t.Errorf("%s: ahead %s within %s, want %s", name, a.ahead, a.within, tt.ahead)
		}
	}
	silent := application{}
	if silent.timed(noon, noon.Add(time.Second)); silent.ahead != 0 || silent.within != 0 {
		t.Errorf("who tells no time is %s ahead", silent.ahead)
	}
}
