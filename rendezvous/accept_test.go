package rendezvous

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// flaky is a listener whose first Accepts fail.
type flaky struct {
	net.Listener
	failures atomic.Int64
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

func TestAcceptSurvivesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		f := &flaky{Listener: p}
		f.failures.Store(10)
		cfg.Listener = f
		seen := logged(&cfg.Log)
		r := agree(t, cfg, p.worker("b", "10.0.0.2"))
		if n := seen.FilterMessage("cannot accept a connection, trying again").Len(); n != 10 {
			t.Errorf("%d lines about it, want 10", n)
		}
		r.close(t)
	})
}

// TestAcceptErrorsThatLast are retried, first soon and then each second, and first
// soon again after one that worked; those that are silent are hung up on meanwhile.
func TestAcceptErrorsThatLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		f := &flaky{Listener: p}
		f.failures.Store(1 << 30)
		cfg.Listener = f
		h := startHead(t, cfg)
		tries := func(d time.Duration) int64 {
			before := f.failures.Load()
			elapse(d)
			return before - f.failures.Load()
		}
		if n := tries(100 * time.Millisecond); n < 3 || n > 8 {
			t.Errorf("%d tries in the first 100 ms", n)
		}
		if n := tries(time.Minute); n < 55 || n > 70 {
			t.Errorf("%d tries in the next minute", n)
		}
		f.failures.Store(0)
		b := start(t.Context(), p.worker("b", "10.0.0.2"))
		elapse(time.Second)
		silent := p.line(t, addr("10.6.6.6"))
		elapse(time.Second)
		f.failures.Store(1 << 30) // from the Accept after the next
		c := start(t.Context(), p.worker("c", "10.0.0.3"))
		gather(t, h)
		if n := tries(100 * time.Millisecond); n < 3 {
			t.Errorf("%d tries in the 100 ms after one that worked", n)
		}
		// It may be strangers who have taken what is lacking.
		if !silent.(*lineEnd).peer.isClosed() {
			t.Error("a silent connection is kept")
		}
		closeAll(t, h, (<-b).Worker, (<-c).Worker)
		_ = silent.Close()
	})
}

func TestPortThatSomebodyElseCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		_ = p.Close()
		synctest.Wait()
		if !said(seen, "the rendezvous port was closed") {
			t.Errorf("the head's log lacks it: %v", seen.All())
		}
		closeAll(t, h)
	})
}
