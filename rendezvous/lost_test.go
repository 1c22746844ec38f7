package rendezvous

import (
	"net"
	"reflect"
	"testing"
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
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
			prepare(t, r)
			elapse(time.Hour + time.Second) // nobody is lost by time alone; no beat is under way now
			play(t, p, r)
			r.close(t)
		})
	}
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
