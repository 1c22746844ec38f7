package rendezvous

import (
	"crypto/tls"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// heard reads what comes in until the connection ends: kinds, and when in ms.
func heard(c *tls.Conn, began time.Time, all chan<- string) {
	defer close(all)
	for {
		body, err := readFrame(c, maxFrame)
		if err != nil {
			return
		}
		m, err := decode(body)
		if err != nil || m.Type == kindWait { // which is told at its own pace
			continue
		}
		all <- fmt.Sprint(m.Type, " ", time.Since(began).Milliseconds())
	}
}

// TestBeats are sent a quarter of LostAfter after the frame before, by both sides;
// one that says nothing for as long as that is lost, on both sides.
func TestBeats(t *testing.T) {
	want := func(t *testing.T, who string, got <-chan string, lines ...string) {
		t.Helper()
		for _, line := range lines {
			if have := <-got; have != line {
				t.Errorf("the %s has said %q, want %q", who, have, line)
			}
		}
	}
	inBubble(t, "of the head", func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		cfg.LostAfter = 8 * time.Second
		h := startHead(t, cfg)
		c, all := rawWorker(t, p, "raw"), make(chan string, 100)
		go heard(c, time.Now(), all)
		for range 2 {
			elapse(time.Second / 2)
			_ = h.Spread(15)
		}
		lost, ok := (<-h.Events()).(Lost)
		want(t, "head", all, "place 0", "roster 0", "stop 500", "stop 1000", "beat 3000", "beat 5000", "beat 7000")
		if !ok || lost.Reason != "silent for 8s" {
			t.Errorf("event %+v", lost)
		}
		if line, more := <-all; more {
			t.Errorf("it said %q to one that is lost", line)
		}
		_ = h.Close()
	})
	inBubble(t, "of a worker", func(t *testing.T) {
		p := newPipes()
		all := make(chan string, 100)
		answering(t, p, func(c *tls.Conn) {
			admit(c)
			began := time.Now()
			for _, m := range toWorkerB(8000) {
				frame, _ := encode(m)
				_, _ = c.Write(frame)
			}
			heard(c, began, all)
		})
		w := join(t, p.worker("b", "10.0.0.2"))
		began := time.Now()
		elapse(3 * time.Second)
		_ = w.Done()
		if o := <-w.Outcome(); o.Cause != "lost the head head: silent for 8s" || time.Since(began) != 8*time.Second {
			t.Errorf("outcome %+v after %s", o, time.Since(began))
		}
		_ = w.Close()
		want(t, "worker", all, "beat 2000", "done 3000", "beat 5000", "beat 7000")
		_ = p.Close()
		synctest.Wait()
	})
}
