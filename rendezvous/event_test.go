package rendezvous

import (
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

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
		if stops < maxStopped || others != 2 {
			t.Errorf("%d Stopped and %d others, want %d or more and 2", stops, others, maxStopped)
		}
		r.close(t)
	})
}

// TestStopBehindManyEvents: that others came and went many times, and nobody has
// read it yet, is no reason to drop a stop.
func TestStopBehindManyEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		cfg.Rejoin, cfg.MaxNodes = true, maxStopped
		r := agree(t, cfg, p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
		r.ready(t)
		for len(r.head.Events()) < maxStopped {
			_ = r.workers[0].Close()
			synctest.Wait()
			r.workers[0] = join(t, p.worker("b", "10.0.0.2"))
		}
		if err := r.workers[1].Stop(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var last Event
		for len(r.head.Events()) > 0 {
			last = <-r.head.Events()
		}
		if want := (Stopped{Node{Name: "c", Addr: addr("10.0.0.3"), Rank: 2}, syscall.SIGTERM}); !reflect.DeepEqual(last, want) {
			t.Errorf("the last event is %+v, want %+v", last, want)
		}
		r.head.Finish(t.Context(), theEnd)
		r.close(t)
	})
}
