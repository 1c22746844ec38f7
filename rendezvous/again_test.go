package rendezvous

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

var again = Outcome{Code: 69, Rank: 1, Node: "b", Cause: "lost b", Again: true}

// names are a roster's, in the order of ranks; one that is lost in brackets.
func names(r Roster) string {
	var list []string
	for _, n := range r.Nodes {
		if n.Gone {
			n.Name = "(" + n.Name + ")"
		}
		list = append(list, n.Name)
	}
	return fmt.Sprint(list)
}

// keptOpen is a head's configuration whose port outlives it.
func (p *pipes) keptOpen(nodes int) HeadConfig {
	cfg := p.head(nodes)
	cfg.KeepOpen, cfg.UniqueAddrs = true, true
	return cfg
}

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
		if err := r.head.Close(); err != nil {
			t.Error(err)
		}
		h := startHead(t, cfg)
		roster, err := h.Gather(t.Context())
		if err != nil || names(roster) != "[head b c]" || roster.RunID == cfg.Was.RunID || roster.RunID == "" {
			t.Errorf("the second roster is %+v, error %v", roster, err)
		}
		second := &run{head: h, workers: []*Worker{(<-joins[0]).Worker, (<-joins[1]).Worker}}
		second.ready(t)
		if silent := h.Finish(t.Context(), theEnd); silent != nil {
			t.Errorf("did not acknowledge: %v", silent)
		}
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
		"late":               {time.Minute, comeback, "[c (10.0.0.3)]"},
		"never":              {0, comeback, "[c (10.0.0.3)]"},
		"without its memory": {0, 0, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
				if err := r.head.Close(); err != nil {
					t.Error(err)
				}
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
				if err := h.Close(); err != nil {
					t.Error(err)
				}
				cancel()
				r.close(t)
				_ = p.Close()
			})
		})
	}
}

func TestListenerThatCannotBeKeptOpen(t *testing.T) {
	cfg := newPipes().keptOpen(2)
	cfg.Listener = &flaky{Listener: cfg.Listener}
	if h, err := NewHead(cfg); err == nil {
		t.Error("a head whose port would be lost with it")
		_ = h.Close()
	}
}

func TestNoAgreementBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		cfg.NotBefore = time.Now().Add(time.Minute)
		began := time.Now()
		r := agree(t, cfg, p.worker("b", "10.0.0.2"))
		if d := time.Since(began); d != time.Minute {
			t.Errorf("agreed after %s", d)
		}
		r.close(t)

		p = newPipes()
		cfg = p.head(2)
		cfg.NotBefore = time.Now().Add(time.Minute)
		h := startHead(t, cfg)
		if err := h.Close(); err != nil { // does not wait for the minute: a bubble's clock would show
			t.Error(err)
		}
		if d := time.Since(began); d != time.Minute {
			t.Errorf("closed after %s", d)
		}
	})
}

// TestFullRunTakesNoMore has nodes too many come in the pause before a restart,
// and one of those that had a place leave in it.
func TestFullRunTakesNoMore(t *testing.T) {
	for _, most := range []int{2, 3} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(2)
			cfg.NotBefore, cfg.MaxNodes = time.Now().Add(time.Minute), most
			log, seen := logs()
			cfg.Log = log
			h := startHead(t, cfg)
			leaver, leave := context.WithCancel(t.Context())
			first := start(leaver, p.worker("a", "10.0.0.9"))
			joins := make(map[string]<-chan joined)
			for i, name := range []string{"b", "c", "d"} {
				synctest.Wait()
				joins[name] = start(t.Context(), p.worker(name, fmt.Sprintf("10.0.0.%d", i+2)))
			}
			elapse(30 * time.Second)
			leave()
			<-first
			roster, err := h.Gather(t.Context())
			if err != nil || len(roster.Nodes) != most || !said(seen, fmt.Sprintf("has its %d nodes", most)) {
				t.Errorf("a run of 2 to %d nodes has %v, error %v", most, roster.Nodes, err)
			}
			r := &run{head: h}
			for _, c := range joins {
				if j := <-c; j.err == nil {
					r.workers = append(r.workers, j.Worker)
				} else {
					_ = as[*RefusedError](t, j.err)
				}
			}
			if len(r.workers) != most-1 {
				t.Errorf("%d workers have a place", len(r.workers))
			}
			r.close(t)
		})
	}
}

// TestPlacesComeBack has the nodes of a run come again, some of them with
// another address or without their memory, and others in their place.
func TestPlacesComeBack(t *testing.T) {
	was := Roster{RunID: "OLD", Nodes: []Node{
		{Name: "head", Addr: addr("10.0.0.1")},
		{Name: "b", Addr: addr("10.0.0.9")},
		{Name: "c", Addr: addr("10.0.0.8")},
		{Name: "d", Addr: addr("10.0.0.7")},
	}}
	type node struct {
		name, addr string
		was        Place
	}
	for _, c := range []struct {
		name  string
		was   Roster
		nodes []node
		want  string
	}{
		{"nothing is known: by address", Roster{}, []node{
			{"b", "10.0.0.9", Place{}}, {"c", "10.0.0.8", Place{}}, {"d", "10.0.0.7", Place{}},
		}, "[head d c b]"},
		{"containers that came back: the head knows them", was, []node{
			{"d", "10.0.0.7", Place{}}, {"c", "10.0.0.8", Place{}}, {"b", "10.0.0.9", Place{}},
		}, "[head b c d]"},
		{"with other addresses: by name", was, []node{
			{"d", "10.0.0.2", Place{}}, {"c", "10.0.0.3", Place{}}, {"b", "10.0.0.4", Place{}},
		}, "[head b c d]"},
		{"another in place of one", was, []node{
			{"d", "10.0.0.7", Place{}}, {"x", "10.0.0.2", Place{}}, {"b", "10.0.0.9", Place{}},
		}, "[head b x d]"},
		{"a head that came back: the workers know", Roster{}, []node{
			{"b", "10.0.0.2", Place{"OLD", 3}}, {"c", "10.0.0.3", Place{"OLD", 1}}, {"d", "10.0.0.4", Place{"OLD", 2}},
		}, "[head c d b]"},
		{"most of the workers, of one run", Roster{}, []node{
			{"b", "10.0.0.2", Place{"OLD", 3}}, {"c", "10.0.0.3", Place{"OLD", 1}}, {"d", "10.0.0.4", Place{"OLDER", 3}},
		}, "[head c d b]"},
		{"a place that is another's", was, []node{
			{"b", "10.0.0.9", Place{"OLD", 1}}, {"c", "10.0.0.8", Place{"OLD", 1}}, {"d", "10.0.0.7", Place{"OLD", 77}},
		}, "[head b c d]"},
		{"a stale place means nothing to a head that remembers", was, []node{
			{"b", "10.0.0.9", Place{"OLDER", 3}}, {"c", "10.0.0.8", Place{}}, {"d", "10.0.0.7", Place{"OLDER", 1}},
		}, "[head b c d]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				cfg := p.head(1 + len(c.nodes))
				cfg.Was = c.was
				var workers []WorkerConfig
				for _, n := range c.nodes {
					w := p.worker(n.name, n.addr)
					w.Was = n.was
					workers = append(workers, w)
				}
				r := agree(t, cfg, workers...)
				if got := names(r.roster); got != c.want {
					t.Errorf("ranks %s, want %s", got, c.want)
				}
				for i, n := range r.roster.Nodes {
					if n.Rank != i {
						t.Errorf("%s has rank %d at %d", n, n.Rank, i)
					}
				}
				r.close(t)
			})
		})
	}
}

// TestNodeThatLostPowerComesBack has a node's container started again while the
// head still waits for it to say something on a connection that is dead.
func TestNodeThatLostPowerComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		back   time.Duration
		unique bool
	}{
		"at once": {0, true}, "a second later": {time.Second, true}, "late": {9 * time.Second, true},
		"at once, where nodes may share an address": {0, false}, "late, where they may": {9 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				cfg := p.keptOpen(3)
				cfg.UniqueAddrs = c.unique
				h := startHead(t, cfg)
				defer func() { _ = h.Close() }() // a head that is left open keeps the bubble's clock going
				ctx, cancel := context.WithCancel(t.Context())
				first := start(ctx, p.worker("b", "10.0.0.2"))
				elapse(time.Minute)
				p.lines[0].cut()
				cancel()
				<-first
				elapse(c.back)
				began := time.Now()
				second := start(t.Context(), p.worker("b", "10.0.0.2"))
				synctest.Wait() // else the run would begin with the one that is dead
				c := start(t.Context(), p.worker("c", "10.0.0.3"))
				roster, err := h.Gather(t.Context())
				if err != nil || names(roster) != "[head b c]" {
					t.Fatalf("roster %s, error %v", names(roster), err)
				}
				if d := time.Since(began); d > cfg.LostAfter+pauseMax {
					t.Errorf("agreed after %s", d)
				}
				r := &run{head: h, workers: []*Worker{(<-second).Worker, (<-c).Worker}}
				r.ready(t)
				r.close(t)
				_ = p.Close()
			})
		})
	}
}

// TestTwoNodesOnOneHost has them where they may be, and wants no time lost with
// the question whether they are one.
func TestTwoNodesOnOneHost(t *testing.T) {
	for _, ranks := range [][2]int{{NoRank, NoRank}, {1, 2}} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			one, two := p.worker("b", "10.0.0.2"), p.worker("b", "10.0.0.2")
			one.Self.Rank, two.Self.Rank = ranks[0], ranks[1]
			began := time.Now()
			r := agree(t, p.head(3), one, two)
			if d := time.Since(began); names(r.roster) != "[head b b]" || d != 0 {
				t.Errorf("%s after %s", names(r.roster), d)
			}
			r.ready(t)
			r.close(t)
		})
	}
}

// TestDoubles has containers too many on a host, whose engine starts them again
// after each refusal: the run doesn't wait for them to give up.
func TestDoubles(t *testing.T) {
	for _, doubles := range []int{1, 2, 100} {
		t.Run(fmt.Sprint(doubles), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				h := startHead(t, p.keptOpen(3))
				defer func() { _ = h.Close() }()
				b := start(t.Context(), p.worker("b", "10.0.0.2"))
				elapse(time.Second)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				refused := make(chan error, 100*doubles)
				for range doubles {
					go func() {
						for ctx.Err() == nil {
							_, err := Join(ctx, p.worker("b", "10.0.0.2"))
							refused <- err
							pause(ctx, time.Second)
						}
					}()
				}
				elapse(3 * time.Second)
				began := time.Now()
				c := start(t.Context(), p.worker("c", "10.0.0.3"))
				gather, over := context.WithTimeout(t.Context(), time.Minute)
				defer over()
				roster, err := h.Gather(gather)
				if err != nil || names(roster) != "[head b c]" || time.Since(began) > pauseMax {
					t.Fatalf("%s agreed on after %s, error %v", names(roster), time.Since(began), err)
				}
				if e := as[*RefusedError](t, <-refused); !containsAll(e.Reason, []string{"has the address of"}) {
					t.Errorf("a double is told %v", e)
				}
				cancel()
				r := &run{head: h, workers: []*Worker{(<-b).Worker, (<-c).Worker}}
				r.close(t)
				_ = p.Close()
			})
		})
	}
}

// TestRunThatEndsToBeGatheredAgain has a worker that still waits for others go
// on waiting, for the next run.
func TestRunThatEndsToBeGatheredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.keptOpen(3)
		log, seen := logs()
		cfg.Log = log
		h := startHead(t, cfg)
		b := start(t.Context(), p.worker("b", "10.0.0.2"))
		synctest.Wait()
		if silent := h.Finish(t.Context(), again); silent != nil {
			t.Errorf("did not acknowledge: %v", silent)
		}
		// It came again before this head was gone, as is usual.
		elapse(5 * time.Second)
		if !said(seen, "told a node to come again", "the next one hasn't begun") || said(seen, "refused") {
			t.Errorf("the head said %v", seen.All())
		}
		_ = h.Close()
		h = startHead(t, p.keptOpen(2))
		if _, err := h.Gather(t.Context()); err != nil {
			t.Fatal(err)
		}
		j := <-b
		if j.err != nil {
			t.Fatal(j.err)
		}
		r := &run{head: h, workers: []*Worker{j.Worker}}
		r.close(t)
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
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
					_ = as[*UnreachableError](t, err)
				} else if e := as[*EndedError](t, err); !reflect.DeepEqual(e.Outcome, c.o) {
					t.Errorf("the outcome is told as %+v", e.Outcome)
				}
				r.close(t)
			})
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
		if _, err := h.Gather(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		h.Finish(ctx, again)
		_ = h.Close()

		h = startHead(t, p.keptOpen(2))
		b := start(t.Context(), p.worker("b", "10.0.0.2"))
		if _, err := h.Gather(t.Context()); err != nil {
			t.Fatal(err)
		}
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
		r := &run{head: h, workers: []*Worker{(<-b).Worker}}
		r.close(t)
		_ = p.Close()
	})
}
