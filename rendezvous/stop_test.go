package rendezvous

import (
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestStopWhileGathering: a worker that waits for the others asks the head to end
// the run, and hears the outcome as everybody else does.
func TestStopWhileGathering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(4))
		told := p.worker("b", "10.0.0.2")
		in := make(chan *Worker, 1)
		told.Joined = func(w *Worker) { in <- w }
		ranked := p.worker("c", "10.0.0.3")
		ranked.Self.Rank = 3
		inToo := make(chan *Worker, 1)
		ranked.Joined = func(w *Worker) { inToo <- w }
		b, c := start(t.Context(), told), start(t.Context(), ranked)
		if w, _ := heardBy(t); w.Stop(0) == nil {
			t.Error("told to stop by no signal")
		}
		for _, asks := range []struct {
			worker *Worker
			node   Node
		}{
			{<-in, Node{Name: "b", Addr: addr("10.0.0.2"), Rank: NoRank}},
			{<-inToo, Node{Name: "c", Addr: addr("10.0.0.3"), Rank: 3}},
		} {
			if err := asks.worker.Stop(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			wantEvent(t, h, Stopped{asks.node, syscall.SIGTERM})
		}
		finish(t, h, theEnd)
		for _, j := range []joined{<-b, <-c} {
			if e := as[*EndedError](t, j.err); !reflect.DeepEqual(e.Outcome, theEnd) {
				t.Errorf("outcome %+v, want %+v", e.Outcome, theEnd)
			}
		}
		_ = h.Close()
	})
}

// wantEvent wants this to be the next that the head is told.
func wantEvent(t *testing.T, h *Head, want Event) {
	t.Helper()
	select {
	case got := <-h.Events():
		if !reflect.DeepEqual(got, want) {
			t.Errorf("event %+v, want %+v", got, want)
		}
	case <-time.After(time.Minute):
		t.Errorf("no event, want %+v", want)
	}
}

// TestJoinedEachTime: a worker whose connection breaks while gathering can be told
// to stop over the next one, and not over the old one.
func TestJoinedEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(3))
		cfg := p.worker("b", "10.0.0.2")
		in := make(chan *Worker, 2)
		cfg.Joined = func(w *Worker) { in <- w }
		b := start(t.Context(), cfg)
		first := <-in
		synctest.Wait()
		p.lines[0].reset()
		second := <-in
		if err := first.Stop(syscall.SIGTERM); err == nil {
			t.Error("a stop over a broken connection was sent")
		}
		if err := second.Stop(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		wantEvent(t, h, Stopped{Node{Name: "b", Addr: addr("10.0.0.2"), Rank: NoRank}, syscall.SIGINT})
		h.Finish(t.Context(), theEnd)
		_ = as[*EndedError](t, (<-b).err)
		_ = h.Close()
	})
}
