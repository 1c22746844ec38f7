package rendezvous

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"testing"
	"testing/synctest"
)

// padded is a message's frame with a body of that size.
func padded(t *testing.T, m message, size int) []byte {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	body = append(body, bytes.Repeat([]byte(" "), size-len(body))...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(size)), body...)
}

// TestLargestFrames: a join of 64 KiB and any other message of 1 MiB are taken; one byte
// more is not, nor is nothing.
func TestLargestFrames(t *testing.T) {
	const ofJoin, other = 64 << 10, 1 << 20
	for limit, sizes := range map[uint32]map[int]bool{maxJoin: {0: false, 1: true, ofJoin: true, ofJoin + 1: false}, maxFrame: {0: false, other: true, other + 1: false}} {
		for size, ok := range sizes {
			frame := append(binary.BigEndian.AppendUint32(nil, uint32(size)), make([]byte, size)...)
			if _, err := readFrame(bytes.NewReader(frame), limit); (err == nil) != ok {
				t.Errorf("a frame of %d bytes where %d may be: %v", size, limit, err)
			}
		}
	}
	write := func(c *tls.Conn, m message, size int) {
		if _, err := c.Write(padded(t, m, size)); err != nil {
			t.Error(err)
		}
	}
	inBubble(t, "to a head", func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		c := channel(t, p)
		if err := greetHead(c, secret); err != nil {
			t.Fatal(err)
		}
		write(c, message{Type: kindJoin, Join: &application{ID: "b", Node: Node{Name: "b", Rank: NoRank}}}, ofJoin)
		gather(t, h)
		write(c, message{Type: kindReady}, other)
		if err := h.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		_ = c.NetConn().Close()
		_ = h.Close()
	})
	inBubble(t, "to a worker", func(t *testing.T) {
		p := newPipes()
		answering(t, p, func(c *tls.Conn) {
			admit(c)
			for _, m := range toWorkerB(1000) {
				write(c, m, other)
			}
		})
		_ = join(t, p.worker("b", "10.0.0.2")).Close()
		_ = p.Close()
		synctest.Wait()
	})
}
