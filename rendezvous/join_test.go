package rendezvous

import (
	"context"
	"testing"
)

// TestTwoThingsAtOnce has the roster, or the outcome, be followed by the end of
// the session and of the time before anyone looks.
func TestTwoThingsAtOnce(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	roster := Roster{RunID: "RUN", Nodes: []Node{{Name: "head"}, {Name: "b"}}}.wire()
	for range 100 { // select takes any
		cfg := newPipes().worker("b", "10.0.0.2")
		if err := cfg.prepare(); err != nil {
			t.Fatal(err)
		}
		w := newWorker(&joiner{cfg: cfg}, deadSession())
		_, _ = w.hear(message{Type: kindPlace, Rank: new(1)}), w.hear(message{Type: kindRoster, Roster: roster})
		w.lost(errClosed)
		close(w.done)
		if err := w.await(over); err != nil || !w.HeadLost() {
			t.Fatalf("a head that is lost after its roster: %v", err)
		}
		w = newWorker(&joiner{cfg: cfg}, deadSession())
		go func() {
			<-w.sess.out.wake // it gives up
			w.end(&theEnd)
			close(w.done)
		}()
		if e := as[*EndedError](t, w.await(over)); e.Outcome.Cause != theEnd.Cause {
			t.Fatalf("an outcome when the time is over: %v", e)
		}
		w = newWorker(&joiner{cfg: cfg}, deadSession())
		go func() {
			<-w.sess.out.wake
			w.lost(errClosed)
			close(w.done)
		}()
		if e := as[*MissingError](t, w.await(over)); !containsAll(e.Error(), []string{"start syminit on the others"}) {
			t.Fatalf("nothing when the time is over: %v", e)
		}
	}
}
