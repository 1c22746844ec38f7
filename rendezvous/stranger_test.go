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
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
		{"TLS 1.2", func(c net.Conn) { // the secret would not help it
			old := tls.Client(c, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
			if old.Handshake() == nil {
				elapse(proofTime) // it is in: the head waits for its greeting
			}
		}, 0, "does not speak TLS 1.3"},
		{"a port scanner", func(c net.Conn) { _ = c.Close() }, 0, "connection closed before it joined"},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(2)
			seen := logged(&cfg.Log)
			h := startHead(t, cfg)
			conn := p.line(t, addr("10.6.6.6"))
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
			w := join(t, p.worker("b", "10.0.0.2"))
			closeAll(t, h, w)
			_ = conn.Close()
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
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(2)
			seen := logged(&cfg.Log)
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
	}
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
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			h := startHead(t, p.head(1000))
			const most = 2000 / 25 // bytes of ClientHello, Finished, greeting and join
			joined := 0
			for i := range most {
				conn := p.line(t, addr("10.6.6.6"))
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
			conn := p.line(t, addr("10.6.6.6"))
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
		w := join(t, p.worker("b", "10.0.0.2"))
		closeAll(t, h, w)
	})
}
