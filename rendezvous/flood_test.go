package rendezvous

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

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
		"of many hosts": {func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 6, byte(i >> 8), byte(i)}) }, time.Second},
	} {
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			h := startHead(t, p.head(2))
			var strangers []net.Conn
			for i := range 2 * maxVisitors {
				conn := p.line(t, c.from(i))
				strangers = append(strangers, conn)
			}
			synctest.Wait()
			if n := len(h.door.places); n != maxVisitors {
				t.Errorf("%d strangers are in, want %d", n, maxVisitors)
			}
			began := time.Now()
			w := join(t, p.worker("b", "10.0.0.2"))
			if d := time.Since(began); d > c.within {
				t.Errorf("a worker behind twice as many strangers as fit waited %s, want %s", d, c.within)
			}
			if n := len(h.door.places); n < maxVisitors-1 && c.within == 0 {
				t.Errorf("only %d strangers are in when it has joined", n)
			}
			for _, conn := range strangers {
				_ = conn.Close()
			}
			closeAll(t, h, w)
			if len(h.door.hosts) != 0 {
				t.Errorf("%d hosts are remembered", len(h.door.hosts))
			}
		})
	}
}

// TestThousandsOfSilentConnections has 5,000 of them over real sockets, and a
// worker that joins while they sit there. How long it waits is TestFloodOfStrangers'
// to say; here no more of them may be hung up on than must be.
func TestThousandsOfSilentConnections(t *testing.T) {
	const strangers = 5000
	for name, from := range map[string]func(i int) netip.Addr{
		"of one host":   func(int) netip.Addr { return addr("127.0.0.66") },
		"of many hosts": loopback,
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			s := tcp(t)
			cfg := s.head(2)
			seen := logged(&cfg.Log)
			h := startHead(t, cfg)
			before := memory()
			conns := make([]net.Conn, strangers)
			for i := range conns {
				c, err := s.dial(t.Context(), from(i))
				if err != nil {
					t.Fatalf("%v; this test needs %d file descriptors", err, 2*strangers)
				}
				conns[i] = c
			}
			began, used := time.Now(), cpuTime(t)
			w := join(t, s.worker("b", "127.0.0.2"))
			took, used := time.Since(began), cpuTime(t)-used
			each := (memory() - before) / maxVisitors
			evicted := 0
			for _, e := range seen.FilterMessage("a connection came to nothing").All() {
				if e.ContextMap()["reason"] == noJoinReason(net.ErrClosed) {
					evicted++
				}
			}
			t.Logf("%d bytes each, joined after %s and %s of CPU, %d hung up on", each, took, used, evicted)
			if each > 64<<10 {
				t.Errorf("a stranger costs %d bytes", each)
			}
			if must := strangers + 1 - maxVisitors; evicted > must {
				t.Errorf("%d were hung up on, want at most %d", evicted, must)
			}
			for _, c := range conns {
				_ = c.Close()
			}
			closeAll(t, h, w)
		})
	}
}

// TestStrangersCostLittle measures what half a handshake costs the head.
func TestStrangersCostLittle(t *testing.T) {
	noLeaks(t)
	const strangers, most = 500, 64 << 10
	s := tcp(t)
	meter := &meter{Listener: s.listener}
	cfg := s.head(2)
	cfg.Listener = meter
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
	for meter.in.bytes.Load() < int64(strangers*len(part)) {
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

// memory is what heap and stacks hold.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
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
