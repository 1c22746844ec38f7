package rendezvous

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimesOfOneTry has a worker try twice, and wants the first to last as long as the
// document says.
func TestTimesOfOneTry(t *testing.T) {
	greets := func(c net.Conn) { _ = greetWorker(server(c), secret) }
	for name, c := range map[string]struct {
		dials bool
		play  func(net.Conn)
		lasts time.Duration
	}{
		"nothing connects":        {false, nil, 5 * time.Second},
		"nothing answers":         {true, func(net.Conn) {}, 10 * time.Second},
		"a head that only greets": {true, greets, 10 * time.Second},
		"one that greets late":    {true, func(c net.Conn) { elapse(9 * time.Second); greets(c) }, 10 * time.Second},
		"one that says what is not known": {true, func(c net.Conn) {
			s := server(c)
			admit(s)
			_, _ = s.Write(bare("metrics"))
			_ = c.Close()
		}, 0},
		"one that answers nothing": {true, func(c net.Conn) { greets(c); elapse(11 * time.Second) }, 10 * time.Second},
	} {
		inBubble(t, name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			p := newPipes()
			cfg := p.worker("b", "10.0.0.2")
			var tries []time.Time
			dial := cfg.Dial
			cfg.Dial = func(ctx context.Context) (net.Conn, error) {
				if tries = append(tries, time.Now()); len(tries) == 2 {
					cancel()
				} else if c.dials {
					conn, err := dial(ctx)
					go c.play(<-p.queue)
					return conn, err
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}
			_, _ = Join(ctx, cfg)
			if pause := tries[1].Sub(tries[0]) - c.lasts; pause < 0 || pause > 50*time.Millisecond {
				t.Errorf("the next came %s after it", tries[1].Sub(tries[0]))
			}
			elapse(time.Minute)
		})
	}
}

// TestRefusedHaveTimeToRead why, a second, unless they hang up before.
func TestRefusedHaveTimeToRead(t *testing.T) {
	for name, refuse := range map[string]func(c *tls.Conn){
		"by the greeting": func(c *tls.Conn) {
			_, _ = c.Write(hello{version: protocolVersion, mode: modeNone}.bytes())
			_, _ = io.ReadFull(c, make([]byte, helloSize))
		},
		"by a message": func(c *tls.Conn) {
			_ = greetHead(c, secret)
			frame, _ := encode(message{Type: kindJoin, Join: &application{ID: "b", Node: Node{Name: "b", Rank: 7}}})
			_, _ = c.Write(frame)
			_, _ = readFrame(c, maxFrame)
		},
	} {
		for _, stays := range []bool{true, false} {
			inBubble(t, name, func(t *testing.T) {
				p := newPipes()
				h := startHead(t, p.head(2))
				conn := channel(t, p)
				began := time.Now()
				refuse(conn)
				if d := time.Since(began); d != 0 {
					t.Errorf("refused after %s", d)
				}
				want := time.Duration(0)
				if stays {
					want = time.Second
				} else {
					_ = conn.NetConn().Close()
				}
				for synctest.Wait(); !p.lines[0].head.isClosed(); synctest.Wait() {
					elapse(time.Millisecond)
				}
				if d := time.Since(began); d != want {
					t.Errorf("it had %s to read, want %s", d, want)
				}
				_ = conn.NetConn().Close()
				_ = h.Close()
			})
		}
	}
}
