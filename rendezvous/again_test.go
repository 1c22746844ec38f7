package rendezvous

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var again = Outcome{Code: 69, Rank: 1, Node: "b", Cause: "lost b", Again: true}

func TestGatherAgainOnTheSamePort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.keptOpen(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
		r.ready(t)
		go r.head.Finish(t.Context(), again)
		cfg := p.keptOpen(3)
		cfg.Was = r.head.Roster()
		var joins []<-chan joined
		for i, w := range r.workers {
			if o := <-w.Outcome(); !reflect.DeepEqual(o, again) {
				t.Errorf("outcome %+v, want %+v", o, again)
			}
			// Ranks stay even if addresses are in another order now.
			next := p.worker(w.cfg.Self.Name, fmt.Sprintf("10.0.0.%d", 9-i))
			next.Was = w.Place()
			joins = append(joins, start(t.Context(), next))
		}
		elapse(time.Minute) // all this time the old head says that its run has ended
		closeAll(t, r.head)
		h := startHead(t, cfg)
		roster, err := h.Gather(t.Context())
		if err != nil || names(roster) != "[head b c]" || roster.RunID == cfg.Was.RunID || roster.RunID == "" {
			t.Errorf("the second roster is %+v, error %v", roster, err)
		}
		second := &run{head: h, workers: []*Worker{(<-joins[0]).Worker, (<-joins[1]).Worker}}
		second.ready(t)
		finish(t, h, theEnd)
		second.close(t)
		r.close(t)
		_ = p.Close()
	})
}

// TestEndBetweenTwoRuns: a worker that has not come back yet is told that there
// is no next run, as long as it comes soon.
func TestEndBetweenTwoRuns(t *testing.T) {
	for name, tt := range map[string]struct {
		late, finish time.Duration
		silent       string
	}{
		"soon":               {time.Second, time.Second, "[]"},
		"late":               {time.Minute, 3 * time.Second, "[c (10.0.0.3)]"},
		"never":              {0, 3 * time.Second, "[c (10.0.0.3)]"},
		"without its memory": {0, 0, "[]"},
	} {
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			r := agree(t, p.keptOpen(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
			go r.head.Finish(t.Context(), again)
			cfg := p.keptOpen(3)
			cfg.Was = r.head.Roster()
			var next []WorkerConfig
			for _, w := range r.workers {
				<-w.Outcome()
				c := p.worker(w.cfg.Self.Name, fmt.Sprintf("10.0.0.%d", w.Rank()+1))
				c.Was = w.Place()
				next = append(next, c)
			}
			closeAll(t, r.head)
			cfg.Nodes = 4
			h := startHead(t, cfg)
			b := start(t.Context(), next[0])
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if name == "without its memory" {
				next[1].Was = Place{}
				defer func(c <-chan joined) { <-c }(start(ctx, next[1]))
				synctest.Wait()
			}
			c := make(chan (<-chan joined), 1)
			if tt.late > 0 {
				time.AfterFunc(tt.late, func() { c <- start(ctx, next[1]) })
			}
			began := time.Now()
			if silent := h.Finish(t.Context(), theEnd); fmt.Sprint(silent) != tt.silent {
				t.Errorf("did not hear the end: %v, want %s", silent, tt.silent)
			}
			if took := time.Since(began).Truncate(100 * time.Millisecond); took != tt.finish {
				t.Errorf("Finish took %s, want %s", took, tt.finish)
			}
			if end := as[*EndedError](t, (<-b).err); !reflect.DeepEqual(end.Outcome, theEnd) {
				t.Errorf("b hears %+v", end.Outcome)
			}
			if name == "soon" {
				if end := as[*EndedError](t, (<-<-c).err); !reflect.DeepEqual(end.Outcome, theEnd) {
					t.Errorf("c hears %+v", end.Outcome)
				}
			}
			closeAll(t, h)
			cancel()
			r.close(t)
			_ = p.Close()
		})
	}
}

// TestWhoIsWaitedFor at the end of a run: nodes of the one before that were not lost and
// haven't come, unless this one was agreed, or is gathered again.
func TestWhoIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		state headState
		end   Outcome
		want  string
	}{
		"gathering": {gathering, theEnd, "map[3:true]"}, "agreed": {agreed, theEnd, "map[]"}, "gathered again": {gathering, again, "map[]"},
	} {
		h := standing(t, c.state, func(c *HeadConfig) {
			c.Was = Roster{RunID: "OLD", Nodes: []Node{{Name: "head"}, {Name: "b"}, {Name: "x", Gone: true}, {Name: "z"}}}
		})
		h.finish(c.end)
		h.mu.Lock()
		if got := fmt.Sprint(h.absent); got != c.want {
			t.Errorf("%s: waits for %s, want %s", name, got, c.want)
		}
		h.mu.Unlock()
	}
}

// TestRunThatEndsToBeGatheredAgain has a worker that still waits for others go
// on waiting, for the next run.
func TestRunThatEndsToBeGatheredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.keptOpen(3)
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		b := start(t.Context(), p.worker("b", "10.0.0.2"))
		synctest.Wait()
		finish(t, h, again)
		// It came again before this head was gone, as is usual.
		elapse(5 * time.Second)
		if !said(seen, "told a node to come again", "the next one hasn't begun") || said(seen, "refused") {
			t.Errorf("the head said %v", seen.All())
		}
		_ = h.Close()
		h = startHead(t, p.keptOpen(2))
		gather(t, h)
		j := <-b
		if j.err != nil {
			t.Fatal(j.err)
		}
		closeAll(t, h, j.Worker)
		_ = p.Close()
	})
}

// TestWhoComesBackHearsTheOutcome has a worker lose the head for so long that
// the run is over when it comes again.
func TestWhoComesBackHearsTheOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		o    Outcome
		told bool
	}{"of the work": {theEnd, true}, "of a run that is gathered again": {again, false}} {
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
			r.ready(t)
			p.lines[0].reset()
			if o := <-r.workers[0].Outcome(); o.Code != codeLost {
				t.Errorf("outcome %+v", o)
			}
			r.head.Finish(t.Context(), c.o)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			cfg := p.worker("b", "10.0.0.2")
			cfg.Was = r.workers[0].Place()
			_, err := Join(ctx, cfg)
			if !c.told {
				if e := as[*UnreachableError](t, err); !strings.Contains(e.Reason(), "the next one hasn't begun") {
					t.Errorf("it was told %v", e)
				}
			} else if e := as[*EndedError](t, err); !reflect.DeepEqual(e.Outcome, c.o) {
				t.Errorf("the outcome is told as %+v", e.Outcome)
			}
			r.close(t)
		})
	}
}

// TestOldRunCannotReachTheNext has a worker of one run go on talking when the
// next one is gathered: nothing that it says arrives.
func TestOldRunCannotReachTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.keptOpen(2))
		old := rawWorker(t, p, "old")
		gather(t, h)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		h.Finish(ctx, again)
		_ = h.Close()

		h = startHead(t, p.keptOpen(2))
		b := start(t.Context(), p.worker("b", "10.0.0.2"))
		gather(t, h)
		fail, _ := encode(message{Type: kindFail, Outcome: &Outcome{Code: 1}})
		stop, _ := encode(message{Type: kindStop, Signal: 15})
		for _, frame := range [][]byte{bare(kindReady), fail, stop, bare(kindAck)} {
			_, _ = old.Write(frame)
		}
		synctest.Wait()
		if !p.lines[0].head.isClosed() {
			t.Error("the connection of the old run is open")
		}
		if n := len(h.Events()); n != 0 || h.unready != 2 {
			t.Errorf("%d events, %d nodes not ready", n, h.unready)
		}
		closeAll(t, h, (<-b).Worker)
		_ = p.Close()
	})
}
