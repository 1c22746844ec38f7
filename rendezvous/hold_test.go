package rendezvous

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPlacesAreHeld has a spare node come first in the pause between two runs, a
// second before the run may begin, and the nodes of the run before when they can.
func TestPlacesAreHeld(t *testing.T) {
	const pause, held = time.Second, 10 * time.Second
	was := Roster{RunID: "OLD", Nodes: []Node{
		{Name: "head", Addr: addr("10.0.0.1")}, {Name: "b", Addr: addr("10.0.0.2")}, {Name: "c", Addr: addr("10.0.0.3")},
	}}
	lacking := was
	lacking.Nodes = slices.Clone(was.Nodes)
	lacking.Nodes[2].Gone = true
	type node struct {
		name, addr string
		was        Place
		after      time.Duration
	}
	spare := node{"spare", "10.0.0.9", Place{}, 0}
	b := node{"b", "10.0.0.2", Place{"OLD", 1}, time.Second / 2}
	for name, tt := range map[string]struct {
		was      Roster
		most     int
		others   []node
		want     string
		earliest time.Duration // that they agree; a second later at the latest
		refused  string
	}{
		"all come back": {was, 3, []node{b, {"c", "10.0.0.3", Place{"OLD", 2}, 5 * time.Second}}, "[head b c]", 5 * time.Second, "spare"},
		"one with another address": {
			was, 3, []node{b, {"c", "10.0.0.4", Place{"OLD", 2}, 5 * time.Second}}, "[head b c]", 5 * time.Second, "spare",
		},
		"one whose place had another in the end": {
			was, 3, []node{b, {"x", "10.0.0.4", Place{"OLD", 2}, 0}, {"c", "10.0.0.3", Place{"OLD", 2}, 5 * time.Second}}, "[head b c]", 5 * time.Second, "spare x",
		},
		"a container that was started again": {
			was, 3, []node{b, {"c", "10.0.0.3", Place{}, 5 * time.Second}}, "[head b c]", 5 * time.Second, "spare",
		},
		"that has another address then": {
			was, 3, []node{b, {"c", "10.0.0.4", Place{}, 5 * time.Second}}, "[head b c]", 5 * time.Second, "spare",
		},
		"one comes too late": {
			was, 3, []node{b, {"c", "10.0.0.3", Place{"OLD", 2}, time.Minute}}, "[head b spare]", held, "c",
		},
		"one that was lost": {
			lacking, 3, []node{b, {"c", "10.0.0.3", Place{}, 5 * time.Second}}, "[head b c]", 5 * time.Second, "spare",
		},
		"where there is room for more": {was, 4, []node{b}, "[head b spare]", pause, ""},
		"a head that remembers nothing": {
			Roster{}, 3, []node{b, {"c", "10.0.0.3", Place{"OLD", 2}, 5 * time.Second}}, "[head b spare]", pause, "c",
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			cfg := p.keptOpen(3)
			began := time.Now()
			cfg.Was, cfg.MaxNodes, cfg.NotBefore, cfg.HeldUntil = tt.was, tt.most, began.Add(pause), began.Add(held)
			h := startHead(t, cfg)
			ends := make(map[string]chan joined)
			for _, n := range append(tt.others, spare) {
				w, end := p.worker(n.name, n.addr), make(chan joined, 1)
				w.Was, ends[n.name] = n.was, end
				time.AfterFunc(n.after, func() { end <- <-start(t.Context(), w) })
			}
			roster, err := h.Gather(t.Context())
			took := time.Since(began)
			if err != nil || names(roster) != tt.want || took < tt.earliest || took > tt.earliest+pauseMax {
				t.Errorf("%s agreed on after %s, error %v", names(roster), took, err)
			}
			r := &run{head: h}
			for name, end := range ends {
				j := <-end
				switch {
				case strings.Contains(tt.refused, name):
					_ = as[*RefusedError](t, j.err)
				case j.err != nil:
					t.Errorf("%s: %v", name, j.err)
				default:
					r.workers = append(r.workers, j.Worker)
				}
			}
			r.close(t)
			_ = p.Close()
		})
	}
}

// TestPlaceBefore has what a node says and is held against a run in which the place
// with rank 1 is back, and two nodes have one name.
func TestPlaceBefore(t *testing.T) {
	nodes := []Node{{Name: "head"}, {Name: "vllm", Addr: addr("10.0.0.2")}, {Name: "vllm", Addr: addr("10.0.0.3")}, {Name: "d"}}
	h := &Head{cfg: HeadConfig{Was: Roster{RunID: "OLD", Nodes: nodes}}, members: map[string]*member{"first": {before: 1}}}
	for _, c := range []struct {
		name, addr string
		was        *Place
		want       int
	}{
		{"vllm", "10.0.0.3", nil, 2},
		{"vllm", "10.0.0.4", nil, 0},
		{"vllm", "10.0.0.2", nil, 0},
		{"d", "10.0.0.4", nil, 3},
		{"head", "10.0.0.4", nil, 0},
		{"vllm", "10.0.0.4", &Place{"OLD", 2}, 2},
		{"vllm", "10.0.0.4", &Place{"OLDER", 2}, 0},
		{"vllm", "10.0.0.4", &Place{"OLD", 3}, 0},
		{"d", "10.0.0.4", &Place{"OLD", 4}, 3},
		{"head", "10.0.0.4", &Place{"OLD", 0}, 0},
	} {
		if got := h.placeBefore(application{ID: "it", Was: c.was, Node: Node{Name: c.name, Addr: addr(c.addr)}}); got != c.want {
			t.Errorf("%s at %s, which says %v, had the rank %d, want %d", c.name, c.addr, c.was, got, c.want)
		}
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
			seen := logged(&cfg.Log)
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
