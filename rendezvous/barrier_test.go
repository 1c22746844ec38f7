package rendezvous

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

// workerReady has the first worker at the barrier, where it waits alone.
func (r *run) workerReady(t *testing.T) {
	t.Helper()
	go func() { _ = r.workers[0].Ready(context.Background()) }()
	synctest.Wait()
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

// TestEightOfThoseMissing are named, whatever they are missing for.
func TestEightOfThoseMissing(t *testing.T) {
	h := &Head{cfg: HeadConfig{Nodes: 20, Names: make([]string, 20)}, self: &member{}}
	for i := range h.cfg.Names {
		h.cfg.Names[i] = fmt.Sprint("n", i)
		h.placed = append(h.placed, &member{node: Node{Name: h.cfg.Names[i]}})
	}
	if got := fmt.Sprint(h.missing()); got != "[n1 n2 n3 n4 n5 n6 n7 n8]" {
		t.Errorf("not here: %s", got)
	}
	if got := fmt.Sprint(h.unreadyNames()); got != "[n0 n1 n2 n3 n4 n5 n6 n7]" {
		t.Errorf("not ready: %s", got)
	}
}

func TestBarrierEnds(t *testing.T) {
	inBubble(t, "with its time", func(t *testing.T) {
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
	inBubble(t, "with a lost node", func(t *testing.T) {
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
	inBubble(t, "with one that was ready", func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
		r.workerReady(t)
		_ = r.workers[0].Close()
		<-r.head.Events()
		other := make(chan error, 1)
		go func() { other <- r.workers[1].Ready(t.Context()) }()
		synctest.Wait()
		if e := as[*LostError](t, r.head.Ready(t.Context())); !reflect.DeepEqual(e.Node, nodeB) {
			t.Errorf("error %v", e)
		}
		r.head.Finish(t.Context(), Outcome{Code: codeLost})
		if e := as[*EndedError](t, <-other); e.Outcome.Code != codeLost {
			t.Errorf("c went: %v", e)
		}
		r.close(t)
	})
}
