package rendezvous

import (
	"context"
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
}
