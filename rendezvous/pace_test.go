package rendezvous

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestPaceOfProgress: workers are told of changes that go on all the time, the first
// at once, and then not more often than the document says; and nothing when there
// is none.
func TestPaceOfProgress(t *testing.T) {
	for nodes, pause := range map[int]time.Duration{3: 100 * time.Millisecond, 1000: 250 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			h := startHead(t, p.head(nodes))
			elapse(time.Second)
			var told []time.Time
			cfg := p.worker("b", "10.0.0.2")
			cfg.Progress = func(Progress) { told = append(told, time.Now()) }
			began := time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			j := start(ctx, cfg)
			for range 100 {
				synctest.Wait()
				h.touch()
				elapse(10 * time.Millisecond)
			}
			elapse(time.Hour)
			cancel()
			<-j
			_ = h.Close()
			for i, at := range told {
				if want := time.Duration(i) * pause; at.Sub(began) != want {
					t.Errorf("of %d nodes: told for the %dth time after %s, want %s", nodes, i+1, at.Sub(began), want)
				}
			}
			if want := int(time.Second/pause) + 1; len(told) != want {
				t.Errorf("of %d nodes: told %d times, want %d", nodes, len(told), want)
			}
		})
	}
}

// TestNothingToWaitFor: once the run goes, workers aren't told how far that is.
func TestNothingToWaitFor(t *testing.T) {
	for _, state := range []headState{gathering, agreed, going, ended} {
		h := standing(t, state, func(*HeadConfig) {})
		out := h.members["b"].sess.out
		for frame, _ := out.take(); frame != nil; frame, _ = out.take() { // what it was told before
		}
		_, waiting := h.tellWorkers()
		frame, _ := out.take()
		if want := state == gathering || state == agreed; waiting != want || (frame != nil) != want {
			t.Errorf("in state %d: waiting %t, told %q", state, waiting, frame)
		}
	}
}
