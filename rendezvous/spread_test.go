package rendezvous

import (
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
)

// TestStopReachesEveryWorker: each time, and only between agreement and end.
func TestStopReachesEveryWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM} {
			if err := r.head.Spread(sig); err != nil {
				t.Error(err)
			}
			for _, w := range r.workers {
				if got := <-w.Stops(); got != sig {
					t.Errorf("%s was told %v, want %v", w.Roster().Nodes[w.Rank()].Name, got, sig)
				}
			}
		}
		for range 3 * maxStopped { // which nobody reads: no reason to lose a worker
			_ = r.head.Spread(syscall.SIGTERM)
			synctest.Wait()
		}
		if silent := r.head.Finish(t.Context(), Outcome{}); len(silent) != 0 {
			t.Errorf("did not acknowledge: %v", silent)
		}
		for range maxStopped {
			<-r.workers[0].Stops()
		}
		_ = r.head.Spread(syscall.SIGTERM)
		synctest.Wait()
		if n := len(r.workers[0].Stops()); n != 0 {
			t.Errorf("%d stops after the end", n)
		}
		r.close(t)
	})
}

// TestStopIsOfARun: the head passes none on before the agreement and after the end.
func TestStopIsOfARun(t *testing.T) {
	for state, want := range map[headState]int{gathering: 0, agreed: 1, going: 1, ended: 0} {
		h := standing(t, state, func(*HeadConfig) {})
		out := h.members["b"].sess.out
		before := len(out.frames)
		if err := h.Spread(syscall.SIGTERM); err != nil || len(out.frames)-before != want {
			t.Errorf("in state %d: %d frames, error %v", state, len(out.frames)-before, err)
		}
	}
}

// TestDone: a node says once that it is done or has failed, and is there until
// the end.
func TestDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
		w := r.workers[0]
		for range 2 {
			if err := w.Done(); err != nil {
				t.Error(err)
			}
		}
		if err := w.Fail(Outcome{Code: 1}); err != nil {
			t.Error(err)
		}
		if got := <-r.head.Events(); !reflect.DeepEqual(got, Done{nodeB}) {
			t.Errorf("event %+v", got)
		}
		synctest.Wait()
		if n := len(r.head.Events()); n != 0 {
			t.Errorf("%d more events", n)
		}
		if silent := r.head.Finish(t.Context(), Outcome{}); len(silent) != 0 {
			t.Errorf("did not acknowledge: %v", silent)
		}
		<-w.Outcome()
		_ = as[*EndedError](t, w.Done())
		r.close(t)
	})
}
