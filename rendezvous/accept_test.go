package rendezvous

import (
	"net"
	"syscall"
	"testing"
	"testing/synctest"
)

// flaky is a listener whose first Accepts fail.
type flaky struct {
	net.Listener
	failures int
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.failures > 0 {
		f.failures--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

func TestAcceptSurvivesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		cfg.Listener = &flaky{p, 10}
		seen := logged(&cfg.Log)
		r := agree(t, cfg, p.worker("b", "10.0.0.2"))
		if n := seen.FilterMessage("cannot accept a connection, trying again").Len(); n != 10 {
			t.Errorf("%d lines about it, want 10", n)
		}
		r.close(t)
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
