package rendezvous

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

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
		inBubble(t, name, func(t *testing.T) {
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
		inBubble(t, fmt.Sprint(doubles), func(t *testing.T) {
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
			closeAll(t, h, (<-b).Worker, (<-c).Worker)
			_ = p.Close()
		})
	}
}
