package rendezvous

import (
	"context"
	"net"
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pauses are those that a node of its own makes between its first tries.
func pauses(t *testing.T, tries int) []time.Duration {
	t.Helper()
	var all []time.Duration
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	last := time.Time{}
	cfg := newPipes().worker("b", "10.0.0.2")
	cfg.Dial = func(context.Context) (net.Conn, error) {
		now := time.Now()
		if !last.IsZero() {
			all = append(all, now.Sub(last))
		}
		if last = now; len(all) == tries {
			cancel()
		}
		return nil, syscall.ECONNREFUSED
	}
	_, _ = Join(ctx, cfg)
	return all
}

// TestPausesBetweenTries grow from 50 ms to a second, and are another part of that on
// each node and at each try.
func TestPausesBetweenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tries = 20
		one, other := pauses(t, tries), pauses(t, tries)
		if reflect.DeepEqual(one, other) {
			t.Errorf("two nodes make the same pauses: %s", one)
		}
		parts := make(map[float64]bool)
		for i, d := range one {
			whole := min(50*time.Millisecond<<i, time.Second)
			if d < whole/2 || d >= whole {
				t.Errorf("the %dth pause is %s, want %s to %s", i+1, d, whole/2, whole)
			}
			parts[float64(d)/float64(whole)] = true
		}
		if len(parts) < tries/2 {
			t.Errorf("pauses %s: not by chance", one)
		}
	})
}
