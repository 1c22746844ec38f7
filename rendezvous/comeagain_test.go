package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestJoinEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(3))
		told := errors.New("told to stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		j := start(ctx, p.worker("b", "10.0.0.2"))
		synctest.Wait()
		cancel(told)
		if r := <-j; !errors.Is(r.err, told) {
			t.Errorf("error %v, want %v", r.err, told)
		}
		synctest.Wait()
		h.mu.Lock()
		if len(h.members) != 0 {
			t.Error("the head still counts the worker")
		}
		h.mu.Unlock()
		_ = h.Close()
	})
}

// TestStaleSessionIsReplaced has a worker give its connection up and come again
// before the head has found out that the first one is dead.
func TestStaleSessionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		cfg.UniqueAddrs = true
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		b := start(t.Context(), p.worker("b", "10.0.0.2"))
		elapse(time.Minute)
		p.lines[0].head.cut() // the worker hears nothing any more,
		elapse(5 * time.Second)
		p.lines[0].worker.cut() // and later the head neither
		elapse(6 * time.Second)
		if !said(seen, "node joined again", "b (10.0.0.2)") {
			t.Errorf("the log does not say that b came again: %v", seen.All())
		}
		if l := p.lines[0]; !l.head.isClosed() {
			t.Error("the first connection is still open")
		}
		c := start(t.Context(), p.worker("c", "10.0.0.3"))
		roster, err := h.Gather(t.Context())
		if err != nil || len(roster.Nodes) != 3 {
			t.Fatalf("roster %+v, error %v", roster, err)
		}
		r := &run{head: h, workers: []*Worker{(<-b).Worker, (<-c).Worker}}
		elapse(time.Minute)
		r.ready(t)
		r.close(t)
	})
}

// TestConnectionThatWasGivenUpComesLate has the join of a worker's earlier
// connection reach the head after that of its next one.
func TestConnectionThatWasGivenUpComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		h := startHead(t, cfg)
		second := rawJoin(t, p, "b", 2, kindWelcome)
		first := rawJoin(t, p, "b", 1, kindRefuse)
		_ = first.NetConn().Close()
		if _, err := second.Write(bare(kindBeat)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		h.mu.Lock()
		if n := h.progress().Have; n != 2 {
			t.Errorf("%d nodes are here, want 2", n)
		}
		h.mu.Unlock()
		_ = second.NetConn().Close()
		_ = h.Close()
	})
}

func TestWorkerThatLeavesWhileGatheringIsCountedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		leaver := start(ctx, p.worker("b", "10.0.0.2"))
		synctest.Wait()
		cancel()
		<-leaver
		synctest.Wait()
		if !said(seen, "node left while others are waited for", "b (10.0.0.2)", "connection closed") {
			t.Errorf("the log does not say that b left: %v", seen.All())
		}
		c := start(t.Context(), p.worker("c", "10.0.0.3"))
		synctest.Wait()
		select {
		case <-h.agreedC:
			t.Fatal("agreed with a node that had left")
		default:
		}
		d := start(t.Context(), p.worker("d", "10.0.0.4"))
		roster, err := h.Gather(t.Context())
		if err != nil || fmt.Sprint(roster.Nodes) != "[head (10.0.0.1) c (10.0.0.3) d (10.0.0.4)]" {
			t.Errorf("roster %v, error %v", roster.Nodes, err)
		}
		closeAll(t, h, (<-c).Worker, (<-d).Worker)
	})
}

func TestWorkerFollowsARestartedHeadWhileGathering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newPipes(), newPipes()
		h1 := startHead(t, first.head(3))
		cfg := first.worker("b", "10.0.0.2")
		cfg.Dial = func(ctx context.Context) (net.Conn, error) {
			if c, err := first.dial(ctx, addr("10.0.0.2")); err == nil {
				return c, nil
			}
			return second.dial(ctx, addr("10.0.0.2"))
		}
		c := start(t.Context(), cfg)
		synctest.Wait()
		_ = h1.Close()
		h2 := startHead(t, second.head(2))
		gather(t, h2)
		closeAll(t, h2, (<-c).Worker)
	})
}
