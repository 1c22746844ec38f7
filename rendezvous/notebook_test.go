package rendezvous

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// TestNotebook: so many lines are told at once, each once, and then one a minute, of
// which those that weren't needed aren't lost.
func TestNotebook(t *testing.T) {
	now := time.Unix(0, 0)
	b := newNotebook(now)
	lines := 0
	told := func() (n int) { // of more lines than may be
		for range 2 * 256 {
			lines++
			if b.news(fmt.Sprint(lines), now) {
				n++
			}
		}
		return n
	}
	if !b.news("0", now) || b.news("0", now) {
		t.Error("a line isn't told once")
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 256 - 1}, {time.Minute - 1, 0}, {1, 1}, {time.Minute / 2, 0}, {time.Minute / 2, 1}, {3 * time.Minute, 3}, {1000 * time.Minute, 256}} {
		now = now.Add(c.after)
		if n := told(); n != c.want {
			t.Errorf("%s later %d lines are told, want %d", c.after, n, c.want)
		}
		if len(b.noted) > 256 {
			t.Errorf("%d lines are remembered", len(b.noted))
		}
	}
}

func TestRefusalsDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		for range 100 {
			c := p.line(t, addr("10.6.6.6"))
			_ = c.Close()
			synctest.Wait()
		}
		all := seen.FilterMessage("a connection came to nothing")
		if n := all.FilterLevelExact(zap.InfoLevel).Len(); n != 1 || all.Len() != 100 {
			t.Errorf("%d lines of %d are not just for debugging, want 1 of 100", n, all.Len())
		}
		_ = p.line(t, addr("10.6.6.7")).Close()
		synctest.Wait()
		if n := seen.FilterMessage("a connection came to nothing").FilterLevelExact(zap.InfoLevel).Len(); n != 2 {
			t.Errorf("of two hosts there are %d lines", n)
		}
		_ = h.Close()
	})
}

// TestStrangersTellSoMuch has strangers who are wrong in several ways in turn, at
// once and from many addresses, and a node whose fault must be told all the same:
// by a worker that is refused while they go on, and by one of their kind later.
func TestStrangersTellSoMuch(t *testing.T) {
	const hosts, rounds = 290, 4 // which takes no whole number of minutes
	talk := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff}, make([]byte, 2*maxUnproven)...)
	for name, c := range map[string]struct {
		from func(i int) netip.Addr
		most int
	}{
		"one host":         {func(int) netip.Addr { return addr("10.6.6.6") }, 2},
		"one IPv6 network": {func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0xfd, 14: byte(i >> 8), 15: byte(i)}) }, 2},
		"many hosts":       {func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 6, byte(i >> 8), byte(i)}) }, maxNoted + int(2*hosts*rounds*tellPause/notePause)},
	} {
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(2)
			told := 0
			cfg.Progress = func(Progress) { told++ }
			seen := logged(&cfg.Log)
			h := startHead(t, cfg)
			wrong := func(from netip.Addr, what []byte) {
				conn := p.line(t, from)
				_, _ = conn.Write(what)
				synctest.Wait()
				_ = conn.Close()
				elapse(tellPause)
			}
			for range rounds {
				for i := range hosts {
					wrong(c.from(i), []byte("GET / HTTP/1.1\r\n\r\n"))
					wrong(c.from(i), talk)
				}
			}
			lines := len(seen.FilterLevelExact(zap.WarnLevel).All()) + len(seen.FilterLevelExact(zap.InfoLevel).All())
			if lines > c.most || told > c.most+1 || lines < 2 {
				t.Errorf("%d lines, and progress was told %d times, want at most %d", lines, told, c.most)
			}
			w := p.worker("b", "10.0.0.2")
			w.Self.Rank = 7
			if _, err := Join(t.Context(), w); err == nil || !said(seen.FilterLevelExact(zap.WarnLevel), "b (10.0.0.2)", "rank 7") {
				t.Errorf("error %v, and the head's log lacks it", err)
			}
			elapse(notePause)
			other := p.worker("c", "10.0.0.3")
			other.Secret = []byte("another secret")
			_, err := Join(t.Context(), other)
			synctest.Wait() // the head may say it after the worker
			if err == nil || !said(seen.FilterLevelExact(zap.WarnLevel), "10.0.0.3", "secret") {
				t.Errorf("error %v, and the head's log lacks it", err)
			}
			_ = h.Close()
		})
	}
}

// TestStrangersHideNoFault: that the head can't accept is said, however much strangers
// have made it say before.
func TestStrangersHideNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		f := &flaky{Listener: p}
		cfg.Listener = f
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		h.mu.Lock()
		h.strangers.spent = maxNoted
		h.mu.Unlock()
		synctest.Wait()
		f.failures.Store(1) // for the next Accept, after this connection
		conn := p.line(t, addr("10.6.6.6"))
		synctest.Wait()
		if !said(seen.FilterLevelExact(zap.WarnLevel), "cannot accept") {
			t.Error("it isn't said")
		}
		_, _ = conn.Close(), h.Close()
	})
}
