package rendezvous

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// inEachState has a run of two nodes in every state in which one can be lost.
func inEachState(t *testing.T, play func(t *testing.T, p *pipes, r *run)) {
	t.Helper()
	for name, prepare := range map[string]func(t *testing.T, r *run){
		"agreed":   func(*testing.T, *run) {},
		"starting": func(t *testing.T, r *run) { r.workerReady(t) },
		"going":    func(t *testing.T, r *run) { r.ready(t) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
				prepare(t, r)
				elapse(time.Hour + time.Second) // nobody is lost by time alone; no beat is under way now
				play(t, p, r)
				r.close(t)
			})
		})
	}
}

// workerReady has the first worker at the barrier, where it waits alone.
func (r *run) workerReady(t *testing.T) {
	t.Helper()
	go func() { _ = r.workers[0].Ready(context.Background()) }()
	synctest.Wait()
}

var nodeB = Node{Name: "b", Addr: addr("10.0.0.2"), Rank: 1}

func TestWorkerLost(t *testing.T) {
	for name, c := range map[string]struct {
		lose   func(p *pipes, r *run)
		reason string
		at     func(time.Duration) bool
	}{
		"closed": {
			func(_ *pipes, r *run) { _ = r.workers[0].sess.conn.NetConn().Close() }, "connection closed",
			func(d time.Duration) bool { return d == 0 },
		},
		"reset": {
			func(p *pipes, _ *run) { p.lines[0].reset() }, "connection reset",
			func(d time.Duration) bool { return d == 0 },
		},
		"silent": {
			func(p *pipes, _ *run) { p.lines[0].cut() }, "silent for 10s",
			func(d time.Duration) bool { return d > 7*time.Second && d <= 10*time.Second },
		},
	} {
		t.Run(name, func(t *testing.T) {
			inEachState(t, func(t *testing.T, p *pipes, r *run) {
				began := time.Now()
				c.lose(p, r)
				got := <-r.head.Events()
				if want := (Lost{nodeB, c.reason}); !reflect.DeepEqual(got, want) {
					t.Errorf("event %+v, want %+v", got, want)
				}
				if d := time.Since(began); !c.at(d) {
					t.Errorf("told after %s", d)
				}
				if silent := r.head.Finish(t.Context(), Outcome{Code: 69}); !reflect.DeepEqual(silent, []Node{nodeB}) {
					t.Errorf("did not acknowledge: %v", silent)
				}
			})
		})
	}
}

func TestHeadLost(t *testing.T) {
	for name, c := range map[string]struct {
		lose   func(p *pipes, r *run)
		reason string
		at     func(time.Duration) bool
	}{
		"closed": {
			func(_ *pipes, r *run) { _ = r.head.Close() }, "connection closed",
			func(d time.Duration) bool { return d == 0 },
		},
		"reset": {
			func(p *pipes, _ *run) { p.lines[0].reset() }, "connection reset",
			func(d time.Duration) bool { return d == 0 },
		},
		"silent": {
			func(p *pipes, _ *run) { p.lines[0].cut() }, "silent for 10s",
			func(d time.Duration) bool { return d > 7*time.Second && d <= 10*time.Second },
		},
	} {
		t.Run(name, func(t *testing.T) {
			inEachState(t, func(t *testing.T, p *pipes, r *run) {
				began := time.Now()
				c.lose(p, r)
				got := <-r.workers[0].Outcome()
				want := Outcome{Code: 69, Rank: 0, Node: "head", Cause: "lost the head head (10.0.0.1): " + c.reason}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("outcome %+v, want %+v", got, want)
				}
				if d := time.Since(began); !c.at(d) {
					t.Errorf("told after %s", d)
				}
				if _, again := <-r.workers[0].Outcome(); again {
					t.Error("a second outcome")
				}
				if e := as[*EndedError](t, r.workers[0].Ready(t.Context())); !reflect.DeepEqual(e.Outcome, want) {
					t.Errorf("Ready says %v", e)
				}
			})
		})
	}
}

func TestBarrierWaitsForTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		var told, heard Progress
		cfg.Progress = func(p Progress) { told = p }
		b := p.worker("b", "10.0.0.2")
		b.Progress = func(p Progress) { heard = p }
		r := agree(t, cfg, b, p.worker("c", "10.0.0.3"))
		passed := make(chan string, 3)
		go func() {
			if err := r.head.Ready(t.Context()); err == nil {
				passed <- "head"
			}
		}()
		go func() {
			if err := r.workers[0].Ready(t.Context()); err == nil {
				passed <- "b"
			}
		}()
		elapse(time.Minute)
		if len(passed) != 0 {
			t.Fatalf("%s went before c was ready", <-passed)
		}
		want := []string{"c (10.0.0.3)"}
		for who, p := range map[string]Progress{"head": told, "b": heard} {
			if p.Stage != Starting || p.Have != 2 || p.Want != 3 || !reflect.DeepEqual(p.Missing, want) {
				t.Errorf("%s: progress %+v", who, p)
			}
		}
		if err := r.workers[1].Ready(t.Context()); err != nil {
			t.Error(err)
		}
		<-passed
		<-passed
		r.close(t)
	})
}

func TestBarrierEnds(t *testing.T) {
	t.Run("with its time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			r := agree(t, p.head(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			worker := make(chan error, 1)
			go func() { worker <- r.workers[0].Ready(ctx) }()
			for _, err := range []error{r.head.Ready(ctx), <-worker} {
				e := as[*MissingError](t, err)
				if e.Stage != Starting || e.Have != 2 || e.Want != 3 || !containsAll(err.Error(), []string{
					"2 of 3 nodes ready after 1m0s", "missing: c (10.0.0.3)",
				}) {
					t.Errorf("error %v", e)
				}
			}
			r.close(t)
		})
	})
	t.Run("with a lost node", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			r := agree(t, p.head(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
			head := make(chan error, 1)
			go func() { head <- r.head.Ready(t.Context()) }()
			synctest.Wait()
			_ = r.workers[0].Close()
			if e := as[*LostError](t, <-head); !reflect.DeepEqual(e.Node, nodeB) || e.Reason != "connection closed" {
				t.Errorf("error %v", e)
			}
			r.close(t)
		})
	})
}

func TestWorkersReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
		w := r.workers[0]
		for range 2 {
			if err := w.Stop(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			if got := <-r.head.Events(); !reflect.DeepEqual(got, Stopped{nodeB, syscall.SIGTERM}) {
				t.Errorf("event %+v", got)
			}
		}
		long := strings.Repeat("x", 2*maxTailLine)
		report := Outcome{Code: 1, Rank: NoRank, Cause: "raylet died", Tail: []string{"dropped", long, "last"}}
		for range 100 {
			report.Tail = append(report.Tail, strings.Repeat("y", 1000))
		}
		for range 2 { // the second is not news
			if err := w.Fail(report); err != nil {
				t.Error(err)
			}
		}
		got, ok := (<-r.head.Events()).(Failed)
		if !ok || got.Outcome.Code != 1 || got.Outcome.Rank != 1 || got.Outcome.Node != "b" || got.Outcome.Cause != "raylet died" {
			t.Errorf("event %+v", got)
		}
		if n := len(got.Outcome.Tail); n != 65 {
			t.Errorf("%d lines of the tail arrived, want the last 65, which are 64 KiB", n)
		}
		synctest.Wait()
		if n := len(r.head.Events()); n != 0 {
			t.Errorf("%d more events", n)
		}
		want := Outcome{Code: 1, Rank: 1, Node: "b", Cause: "raylet died"}
		r.head.Finish(t.Context(), want)
		if got := <-w.Outcome(); !reflect.DeepEqual(got, want) {
			t.Errorf("outcome %+v", got)
		}
		for _, err := range []error{w.Fail(report), w.Stop(syscall.SIGTERM)} {
			_ = as[*EndedError](t, err)
		}
		r.close(t)
	})
}

func TestEventsThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
		for range 10 * maxStopped {
			_ = r.workers[0].Stop(syscall.SIGTERM)
			synctest.Wait()
		}
		_ = r.workers[1].Fail(Outcome{Code: 1})
		synctest.Wait()
		_ = r.workers[1].Close()
		synctest.Wait()
		if silent := r.head.Finish(t.Context(), Outcome{}); len(silent) != 1 {
			t.Errorf("did not acknowledge: %v", silent)
		}
		_ = r.head.Close()
		stops, others := 0, 0
		for e := range r.head.Events() {
			if _, stop := e.(Stopped); stop {
				stops++
			} else {
				others++
			}
		}
		if stops != maxStopped || others != 2 {
			t.Errorf("%d Stopped and %d others, want %d and 2", stops, others, maxStopped)
		}
		r.close(t)
	})
}

// rawWorker is a worker of which the test does the talking: it has been taken
// in, and neither reads nor beats by itself.
func rawWorker(t *testing.T, p *pipes, name string) *tls.Conn {
	t.Helper()
	return rawJoin(t, p, name, 1, kindWelcome)
}

// rawJoin joins by hand and wants an answer of that kind.
func rawJoin(t *testing.T, p *pipes, name string, try int, want kind) *tls.Conn {
	t.Helper()
	c := channel(t, p)
	if err := greetHead(c, secret); err != nil {
		t.Fatal(err)
	}
	frame, err := encode(message{Type: kindJoin, Join: &application{
		ID: name, Try: try, Node: Node{Name: name, Addr: addr("10.0.0.66"), Rank: NoRank},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(frame); err != nil {
		t.Fatal(err)
	}
	body, err := readFrame(c, maxFrame)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := decode(body); err != nil || m.Type != want {
		t.Fatalf("message %+v, error %v, want %s", m, err, want)
	}
	return c
}

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
		r := &run{head: h, workers: []*Worker{w}}
		r.close(t)
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
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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

// TestKilledPeer is over real sockets, where a reset is the system's.
func TestKilledPeer(t *testing.T) {
	noLeaks(t)
	s := tcp(t)
	r := agree(t, s.head(2), s.worker("b", "127.0.0.2"))
	conn := r.workers[0].sess.conn.NetConn().(*net.TCPConn)
	_ = conn.SetLinger(0) // as when a process is killed with bytes unread
	_ = conn.Close()
	got, ok := (<-r.head.Events()).(Lost)
	if !ok || got.Node.Name != "b" || got.Reason != "connection reset" {
		t.Errorf("event %+v", got)
	}
	r.close(t)
}
