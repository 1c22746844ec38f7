package rendezvous

import (
	"encoding/binary"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		payload := []byte(`"` + strings.Repeat("x", 2*lineRoom) + `"`) // more than the line holds
		cfg.Payload = payload
		h := startHead(t, cfg)
		deaf := rawWorker(t, p, "deaf")
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := deaf.Write(bare(kindBeat)); err != nil {
					return
				}
				elapse(time.Second)
			}
		}()
		began := time.Now()
		w, err := Join(t.Context(), p.worker("b", "10.0.0.2"))
		if err != nil || time.Since(began) != 0 {
			t.Fatalf("the other worker had its roster after %s, error %v", time.Since(began), err)
		}
		got, ok := (<-h.Events()).(Lost)
		if !ok || got.Node.Name != "deaf" || got.Reason != "it has read nothing for 10s" || time.Since(began) != 10*time.Second {
			t.Errorf("event %+v after %s", got, time.Since(began))
		}
		_ = deaf.NetConn().Close()
		<-done
		closeAll(t, h, w)
	})
}

func TestMemberThatBreaksTheProtocol(t *testing.T) {
	for name, c := range map[string]struct {
		bytes  []byte
		reason string
	}{
		"a frame too long": {binary.BigEndian.AppendUint32(nil, maxFrame+1), "a frame of 1048577 bytes"},
		"an empty frame":   {make([]byte, frameHead), "a frame of 0 bytes"},
		"no JSON":          {append(binary.BigEndian.AppendUint32(nil, 3), "{x}"...), "no message"},
		"no type":          {append(binary.BigEndian.AppendUint32(nil, 2), "{}"...), "not complete"},
		"an empty fail":    {bare(kindFail), `"fail" that is not complete`},
	} {
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			h := startHead(t, p.head(2))
			c2 := rawWorker(t, p, "raw")
			if _, err := c2.Write(c.bytes); err != nil {
				t.Fatal(err)
			}
			got, ok := (<-h.Events()).(Lost)
			if !ok || !strings.Contains(got.Reason, "not understood") || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("event %+v, want %q", got, c.reason)
			}
			_ = h.Close()
		})
	}
}

func TestWhatIsNotKnownIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		c := rawWorker(t, p, "raw")
		for _, body := range []string{
			`{"type":"metrics","load":{"one":3}}`, // a type of tomorrow
			`{"type":"ready","at":"noon"}`,        // a field of tomorrow
		} {
			if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		_ = h.Close()
		_ = c.NetConn().Close()
	})
}
