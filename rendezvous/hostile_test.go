package rendezvous

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// TestStrangers has a peer that never proves anything, in many ways, and wants
// the head to be rid of it in time, to say why, and to take in a worker then.
func TestStrangers(t *testing.T) {
	record := func(kind byte, size int) []byte { // a TLS record's head
		return binary.BigEndian.AppendUint16([]byte{kind, 3, 1}, uint16(size))
	}
	clientHello := append(record(22, 16384), 1, 0, 0xff, 0xff) // of 64 KiB, in records of 16
	for _, c := range []struct {
		name   string
		play   func(net.Conn)
		within time.Duration
		reason string
	}{
		{"silent", func(net.Conn) {}, proofTime, "did not join within 10s"},
		{"slow", func(c net.Conn) {
			for _, b := range clientHello {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				elapse(2 * time.Second)
			}
		}, proofTime, "did not join within 10s"},
		{"talkative", func(c net.Conn) {
			_, _ = c.Write(append(clientHello, make([]byte, 4*maxUnproven)...))
		}, 0, "too much"},
		{"a web browser", func(c net.Conn) { _, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n")) }, 0, "not syminit"},
		{"garbage", func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte{0xa5}, 4096)) }, 0, "not syminit"},
		{"a port scanner", func(c net.Conn) { _ = c.Close() }, 0, "connection closed before it joined"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				cfg := p.head(2)
				log, seen := logs()
				cfg.Log = log
				h := startHead(t, cfg)
				conn, err := p.dial(t.Context(), addr("10.6.6.6"))
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				go c.play(conn)
				_, _ = io.Copy(io.Discard, conn) // until the head hangs up
				if d := time.Since(began); d != c.within {
					t.Errorf("it had the head's attention for %s, want %s", d, c.within)
				}
				elapse(proofTime)
				if !said(seen, "10.6.6.6", c.reason) {
					t.Errorf("the head's log lacks %q: %v", c.reason, seen.All())
				}
				w, err := Join(t.Context(), p.worker("b", "10.0.0.2"))
				if err != nil {
					t.Fatal(err)
				}
				r := &run{head: h, workers: []*Worker{w}}
				r.close(t)
				_ = conn.Close()
			})
		})
	}
}

// TestProvenStrangers know the secret, and then do not join.
func TestProvenStrangers(t *testing.T) {
	for name, c := range map[string]struct {
		bytes  []byte
		reason string
	}{
		"a join too long":  {binary.BigEndian.AppendUint32(nil, maxJoin+1), "a frame of 65537 bytes"},
		"no join":          {bare(kindReady), `"ready" in place of a join`},
		"a join of nobody": {bare(kindJoin), "not complete"},
		"a name to break a log with": {
			func() []byte {
				f, _ := encode(message{Type: kindJoin, Join: &application{ID: "x", Node: Node{Name: "a\nb"}}})
				return f
			}(), `node name "a\nb"`,
		},
		"a report too long": {
			func() []byte {
				f, _ := encode(message{Type: kindJoin, Join: &application{
					ID: "x", Node: Node{Name: "a", Rank: NoRank}, Report: json.RawMessage(`"` + strings.Repeat("x", maxReport) + `"`),
				}})
				return f
			}(), "a report of 16386 bytes, at most 16384",
		},
		"half a join": {bare(kindJoin)[:7], "did not join within 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				cfg := p.head(2)
				log, seen := logs()
				cfg.Log = log
				h := startHead(t, cfg)
				conn := channel(t, p)
				if err := greetHead(conn, secret); err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write(c.bytes); err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, conn)
				if !said(seen, "10.0.0.66", c.reason) {
					t.Errorf("the head's log lacks %q: %v", c.reason, seen.All())
				}
				_ = h.Close()
			})
		})
	}
}

// TestFloodOfStrangers has more silent connections than there are places, from
// one host and from as many hosts, and wants a worker to join all the same.
func TestFloodOfStrangers(t *testing.T) {
	for name, c := range map[string]struct {
		from   func(i int) netip.Addr
		within time.Duration
	}{
		"of one host":                 {func(int) netip.Addr { return addr("10.6.6.6") }, 0},
		"of the worker's own address": {func(int) netip.Addr { return addr("10.0.0.2") }, 0},
		"of one IPv6 network": {func(i int) netip.Addr {
			return netip.AddrFrom16([16]byte{0xfd, 14: byte(i >> 8), 15: byte(i)})
		}, 0},
		"of many hosts": {func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 6, byte(i >> 8), byte(i)}) }, 2 * patience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				h := startHead(t, p.head(2))
				var strangers []net.Conn
				for i := range 2 * maxVisitors {
					conn, err := p.dial(t.Context(), c.from(i))
					if err != nil {
						t.Fatal(err)
					}
					strangers = append(strangers, conn)
				}
				synctest.Wait()
				if n := len(h.door.places); n != maxVisitors {
					t.Errorf("%d strangers are in, want %d", n, maxVisitors)
				}
				began := time.Now()
				w, err := Join(t.Context(), p.worker("b", "10.0.0.2"))
				if err != nil {
					t.Fatal(err)
				}
				if d := time.Since(began); d > c.within {
					t.Errorf("a worker behind twice as many strangers as fit waited %s, want %s", d, c.within)
				}
				if n := len(h.door.places); n < maxVisitors-1 && c.within == 0 {
					t.Errorf("only %d strangers are in when it has joined", n)
				}
				for _, conn := range strangers {
					_ = conn.Close()
				}
				r := &run{head: h, workers: []*Worker{w}}
				r.close(t)
				if len(h.door.hosts) != 0 {
					t.Errorf("%d hosts are remembered", len(h.door.hosts))
				}
			})
		})
	}
}

// TestThousandsOfSilentConnections has 5,000 of them over real sockets, and a
// worker that joins while they sit there.
func TestThousandsOfSilentConnections(t *testing.T) {
	noLeaks(t)
	const strangers = 5000
	s := tcp(t)
	h := startHead(t, s.head(2))
	before := memory()
	conns := make([]net.Conn, strangers)
	for i := range conns {
		c, err := s.dial(t.Context(), addr("127.0.0.66"))
		if err != nil {
			t.Fatalf("%v; this test needs %d file descriptors", err, 2*strangers)
		}
		conns[i] = c
	}
	w, err := Join(t.Context(), s.worker("b", "127.0.0.2"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(h.door.places); n < maxVisitors-1 {
		t.Errorf("%d strangers are in when the worker has joined, want %d", n, maxVisitors-1)
	}
	each := (memory() - before) / maxVisitors
	t.Logf("%d bytes each", each)
	if each > 64<<10 {
		t.Errorf("a stranger costs %d bytes", each)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	r := &run{head: h, workers: []*Worker{w}}
	r.close(t)
}

// TestBrokenHandshakes cuts what a worker sends, greeting and join included, at
// every length up to the whole, and elsewhere changes one byte of it: whatever
// the head makes of that, it does not take it for a worker, and is rid of it.
func TestBrokenHandshakes(t *testing.T) {
	for name, spoil := range map[string]func(p []byte, sent, i int) ([]byte, bool){
		"cut": func(p []byte, sent, i int) ([]byte, bool) {
			return p[:max(0, min(len(p), 25*i-sent))], sent+len(p) >= 25*i
		},
		"changed": func(p []byte, sent, i int) ([]byte, bool) {
			p = bytes.Clone(p)
			if at := 25*i - sent; at >= 0 && at < len(p) {
				p[at] ^= 0x10
			}
			return p, false
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				h := startHead(t, p.head(1000))
				const most = 2000 / 25 // bytes of ClientHello, Finished, greeting and join
				joined := 0
				for i := range most {
					conn, err := p.dial(t.Context(), addr("10.6.6.6"))
					if err != nil {
						t.Fatal(err)
					}
					spoiled := &spoiledConn{Conn: conn, spoil: func(b []byte, sent int) ([]byte, bool) { return spoil(b, sent, i) }}
					cfg := p.worker("x", "10.6.6.6")
					cfg.Dial = func(context.Context) (net.Conn, error) { return spoiled, nil }
					j := &joiner{cfg: cfg, id: rand.Text(), began: time.Now()}
					_ = conn.SetDeadline(time.Now().Add(proofTime))
					if _, err := j.introduce(spoiled); err == nil {
						joined++
						if spoiled.sent > 25*i {
							t.Errorf("taken in with byte %d of %d spoiled", 25*i, spoiled.sent)
						}
					}
					_ = conn.Close()
				}
				elapse(2 * proofTime)
				if n := len(h.door.places); n != 0 {
					t.Errorf("%d strangers are still there", n)
				}
				if joined == most || joined == 0 {
					t.Errorf("%d of %d were taken in: some of them are to be whole, others broken", joined, most)
				}
				_ = h.Close()
			})
		})
	}
}

// spoiledConn changes what is written to it.
type spoiledConn struct {
	net.Conn
	sent  int
	spoil func(p []byte, sent int) (instead []byte, last bool)
}

func (c *spoiledConn) Write(p []byte) (int, error) {
	instead, last := c.spoil(p, c.sent)
	c.sent += len(p)
	if _, err := c.Conn.Write(instead); err != nil {
		return 0, err
	}
	if last {
		_ = c.Close()
	}
	return len(p), nil
}

// TestRandomBytes throws those at the head, many times, in one go and in parts.
func TestRandomBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		rng := mathrand.New(mathrand.NewPCG(1, 2))
		for i := range 500 {
			conn, err := p.dial(t.Context(), addr("10.6.6.6"))
			if err != nil {
				t.Fatal(err)
			}
			noise := make([]byte, rng.IntN(2*maxUnproven))
			for j := range noise {
				noise[j] = byte(rng.Uint32())
			}
			if i%2 == 0 && len(noise) > 5 { // as a TLS record, so that it is read further
				copy(noise, []byte{22, 3, 1, byte(len(noise) >> 10), 0})
			}
			go func() { _, _ = conn.Write(noise) }()
			synctest.Wait()
			if i%3 == 0 {
				_ = conn.Close()
			}
		}
		elapse(proofTime + time.Second)
		if n := len(h.door.places); n != 0 {
			t.Errorf("%d are still there", n)
		}
		w, err := Join(t.Context(), p.worker("b", "10.0.0.2"))
		if err != nil {
			t.Fatal(err)
		}
		r := &run{head: h, workers: []*Worker{w}}
		r.close(t)
	})
}

// TestRefusedPeerHasNoMoreTime has a peer prove that it does not know the secret
// at the last moment: it is gone when its 10 seconds are over all the same.
func TestRefusedPeerHasNoMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		began := time.Now()
		c := channel(t, p)
		elapse(proofTime - partingTime/2)
		if _, err := c.Write(hello{version: protocolVersion, mode: modeSecret}.bytes()); err != nil {
			t.Fatal(err)
		}
		for !p.lines[0].head.isClosed() {
			elapse(10 * time.Millisecond)
		}
		if d := time.Since(began); d > proofTime+10*time.Millisecond {
			t.Errorf("it had the head's attention for %s", d)
		}
		_ = c.NetConn().Close()
		_ = h.Close()
	})
}

// TestEvictedIsNotAdmitted has a stranger prove itself just too late.
func TestEvictedIsNotAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		near, _ := newLine(netip.MustParseAddrPort("10.0.0.1:6378"), netip.MustParseAddrPort("10.0.0.2:40000"))
		v := h.door.add(near)
		h.door.places <- struct{}{}
		elapse(patience)
		h.door.evict()
		a := &application{ID: "b", Try: 1, Node: Node{Name: "b", Rank: NoRank}}
		if m, err := h.admit(a, v, tls.Server(v, h.tls)); err == nil {
			t.Errorf("admitted %s", m.node)
		}
		if !near.isClosed() || len(h.door.places) != 0 {
			t.Error("it still has its place")
		}
		_ = h.Close()
	})
}

// TestCloseInAFlood closes a head that waits for a place at its full door.
func TestCloseInAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		for range maxVisitors + 10 {
			if _, err := p.dial(t.Context(), addr("10.6.6.6")); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		began := time.Now()
		if err := h.Close(); err != nil || time.Since(began) != 0 {
			t.Errorf("closed after %s, error %v", time.Since(began), err)
		}
	})
}

func TestRefusalsDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		log, seen := logs()
		cfg.Log = log
		h := startHead(t, cfg)
		for range 100 {
			c, err := p.dial(t.Context(), addr("10.6.6.6"))
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			synctest.Wait()
		}
		all := seen.FilterMessage("a connection came to nothing")
		if n := all.FilterLevelExact(zap.InfoLevel).Len(); n != 1 || all.Len() != 100 {
			t.Errorf("%d lines of %d are not just for debugging, want 1 of 100", n, all.Len())
		}
		_ = h.Close()
	})
}

// TestStrangersTellSoMuch has strangers who are wrong in several ways in turn, at
// once and from many addresses, and a node whose fault must be told all the same:
// by a worker that is refused while they go on, and by one of their kind later.
func TestStrangersTellSoMuch(t *testing.T) {
	const hosts, rounds = 300, 4
	talk := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff}, make([]byte, 2*maxUnproven)...)
	for name, c := range map[string]struct {
		from func(i int) netip.Addr
		most int
	}{
		"one host":         {func(int) netip.Addr { return addr("10.6.6.6") }, 2},
		"one IPv6 network": {func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0xfd, 14: byte(i >> 8), 15: byte(i)}) }, 2},
		"many hosts":       {func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 6, byte(i >> 8), byte(i)}) }, maxNoted + int(2*hosts*rounds*tellPause/notePause)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				cfg := p.head(2)
				told := 0
				cfg.Progress = func(Progress) { told++ }
				log, seen := logs()
				cfg.Log = log
				h := startHead(t, cfg)
				wrong := func(from netip.Addr, what []byte) {
					conn, err := p.dial(t.Context(), from)
					if err != nil {
						t.Fatal(err)
					}
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
		})
	}
}

// TestStrangersCostLittle measures what half a handshake costs the head.
func TestStrangersCostLittle(t *testing.T) {
	noLeaks(t)
	const strangers, most = 500, 64 << 10
	s := tcp(t)
	read := &metered{Listener: s.listener}
	cfg := s.head(2)
	cfg.Listener = read
	h := startHead(t, cfg)
	before := memory()
	part := append(binary.BigEndian.AppendUint16([]byte{22, 3, 1}, 16000), make([]byte, 8000)...)
	part[5], part[7] = 1, 60 // a ClientHello of 15 KiB, of which half is sent
	conns := make([]net.Conn, strangers)
	for i := range conns {
		c, err := s.dial(t.Context(), addr("127.0.0.66"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(part); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for read.bytes.Load() < int64(strangers*len(part)) {
		<-tick.C
	}
	each := (memory() - before) / strangers
	t.Logf("%d bytes each", each)
	if each > most {
		t.Errorf("a stranger costs %d bytes, want at most %d", each, most)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	_ = h.Close()
}

// metered counts what is read of a listener's connections.
type metered struct {
	net.Listener
	bytes atomic.Int64
}

func (m *metered) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	return &meteredConn{conn, &m.bytes}, err
}

type meteredConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// memory is what heap and stacks hold.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

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

// TestStrangersHideNoFault: that the head can't accept is said, however much strangers
// have made it say before.
func TestStrangersHideNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		f := &flaky{Listener: p}
		cfg.Listener = f
		log, seen := logs()
		cfg.Log = log
		h := startHead(t, cfg)
		h.mu.Lock()
		h.strangers.spent = maxNoted
		h.mu.Unlock()
		synctest.Wait()
		f.failures = 1 // for the next Accept, after this connection
		conn, err := p.dial(t.Context(), addr("10.6.6.6"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !said(seen.FilterLevelExact(zap.WarnLevel), "cannot accept") {
			t.Error("it isn't said")
		}
		_, _ = conn.Close(), h.Close()
	})
}

func TestAcceptSurvivesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		cfg.Listener = &flaky{p, 10}
		log, seen := logs()
		cfg.Log = log
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
		log, seen := logs()
		cfg.Log = log
		h := startHead(t, cfg)
		_ = p.Close()
		synctest.Wait()
		if !said(seen, "the rendezvous port was closed") {
			t.Errorf("the head's log lacks it: %v", seen.All())
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestLongestRoster has a roster that is as long as one may be fit its frame.
func TestLongestRoster(t *testing.T) {
	r := Roster{RunID: strings.Repeat("r", 26), Payload: []byte(`"` + strings.Repeat("x", maxPayload-2) + `"`)}
	for range maxNodes {
		r.Nodes = append(r.Nodes, Node{
			Name: strings.Repeat("n", maxName),
			Addr: addr("fe80:1111:2222:3333:4444:5555:6666:7777%wlp0s20f3u1u2u3"),
			Gone: len(r.Nodes) > 0,
		})
	}
	if _, err := encode(message{Type: kindRoster, Roster: r.wire()}); err != nil {
		t.Error(err)
	}
}
