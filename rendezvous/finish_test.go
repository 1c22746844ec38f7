package rendezvous

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

var theEnd = Outcome{Code: 143, Rank: 0, Node: "head", Cause: "stopped by SIGTERM"}

func TestFinishWhileGathering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(4))
		b, c := start(t.Context(), p.worker("b", "10.0.0.2")), start(t.Context(), p.worker("c", "10.0.0.3"))
		gathered := make(chan error, 1)
		go func() {
			_, err := h.Gather(t.Context())
			gathered <- err
		}()
		synctest.Wait()
		finish(t, h, theEnd)
		for _, err := range []error{<-gathered, (<-b).err, (<-c).err, h.Ready(t.Context())} {
			if e := as[*EndedError](t, err); !reflect.DeepEqual(e.Outcome, theEnd) {
				t.Errorf("outcome %+v, want %+v", e.Outcome, theEnd)
			}
		}
		_ = h.Close()
	})
}

func TestFinishOnceAgreed(t *testing.T) {
	inEachState(t, func(t *testing.T, _ *pipes, r *run) {
		began := time.Now()
		finish(t, r.head, theEnd)
		if got := <-r.workers[0].Outcome(); !reflect.DeepEqual(got, theEnd) {
			t.Errorf("outcome %+v, want %+v", got, theEnd)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("it took %s", d)
		}
		finish(t, r.head, Outcome{Code: 1})
		_ = as[*EndedError](t, r.workers[0].Ready(t.Context()))
		if n := len(r.head.Events()); n != 0 {
			t.Errorf("%d events of a run that ended well", n)
		}
		select {
		case <-r.workers[0].done:
		case <-time.After(time.Minute):
			t.Error("the session goes on after the acknowledgement")
		}
	})
}

// TestAcknowledgedMayLeave: that a node goes then is as it should be.
func TestAcknowledgedMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		seen := logged(&cfg.Log)
		r := agree(t, cfg, p.worker("b", "10.0.0.2"))
		finish(t, r.head, theEnd)
		_ = r.workers[0].Close()
		synctest.Wait()
		if said(seen, "left") || said(seen, "lost") {
			t.Errorf("the head says %v", seen.All())
		}
		finish(t, r.head, theEnd)
		r.close(t)
	})
}

func TestFinishEndsABarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
		results := make(chan error, 2)
		go func() { results <- r.head.Ready(t.Context()) }()
		go func() { results <- r.workers[0].Ready(t.Context()) }()
		synctest.Wait()
		r.head.Finish(t.Context(), theEnd)
		for range 2 {
			if e := as[*EndedError](t, <-results); !reflect.DeepEqual(e.Outcome, theEnd) {
				t.Errorf("outcome %+v", e.Outcome)
			}
		}
		r.close(t)
	})
}

func TestFinishNamesWhoDidNotAcknowledge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(4), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"), p.worker("d", "10.0.0.4"))
		r.ready(t)
		_ = r.workers[2].Close() // lost before
		<-r.head.Events()
		r.workers[1].sess.conn.NetConn().(*lineEnd).line.cut()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		silent := r.head.Finish(ctx, theEnd)
		if want := r.roster.Nodes[2:]; len(silent) != 2 || silent[0].Name != want[0].Name || silent[1].Name != want[1].Name {
			t.Errorf("did not acknowledge: %v, want %v", silent, want)
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("it took %s", d)
		}
		if got := <-r.workers[0].Outcome(); !reflect.DeepEqual(got, theEnd) {
			t.Errorf("b's outcome is %+v", got)
		}
		if got := <-r.workers[1].Outcome(); got.Code != 69 {
			t.Errorf("c's outcome is %+v", got)
		}
		r.close(t)
	})
}

// TestFinishDoesNotWaitForTheDead has a worker die when the outcome is on its
// way to it.
func TestFinishDoesNotWaitForTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		c := rawWorker(t, p, "raw")
		gather(t, h)
		go func() {
			elapse(time.Second)
			_ = c.NetConn().Close()
		}()
		began := time.Now()
		if silent := h.Finish(t.Context(), theEnd); len(silent) != 1 || time.Since(began) != time.Second {
			t.Errorf("did not acknowledge: %v, after %s", silent, time.Since(began))
		}
		_ = h.Close()
	})
}

func TestCloseWithoutFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(3))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b := start(ctx, p.worker("b", "10.0.0.2"))
		results := make(chan error, 2)
		go func() {
			_, err := h.Gather(t.Context())
			results <- err
		}()
		synctest.Wait()
		for range 2 {
			closeAll(t, h)
		}
		if err := <-results; err == nil {
			t.Error("Gather of a closed head found a roster")
		}
		_ = as[*UnreachableError](t, (<-b).err)
	})
}

// TestCloseOfAWorker is bounded even if the head cannot be told.
func TestCloseOfAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
		w := r.workers[0]
		if err := w.Fail(Outcome{Code: 1}); err != nil {
			t.Error(err)
		}
		began := time.Now()
		if err := w.Close(); err != nil || time.Since(began) != 0 {
			t.Errorf("closed after %s, error %v", time.Since(began), err)
		}
		// What it said before is heard before it is lost.
		if e, ok := (<-r.head.Events()).(Failed); !ok || e.Outcome.Code != 1 {
			t.Errorf("event %+v", e)
		}
		if e, ok := (<-r.head.Events()).(Lost); !ok {
			t.Errorf("event %+v", e)
		}
		if _, value := <-w.Outcome(); value {
			t.Error("an outcome of a run that it left")
		}
		if err := w.Ready(t.Context()); err == nil {
			t.Error("ready after Close")
		}
		r.close(t)

		p = newPipes()
		r = agree(t, p.head(2), p.worker("b", "10.0.0.2"))
		p.lines[0].cut()
		began = time.Now()
		if err := r.workers[0].Close(); err != nil || time.Since(began) != partingTime {
			t.Errorf("closed after %s, error %v", time.Since(began), err)
		}
		r.close(t)
	})
}
