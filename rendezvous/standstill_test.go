package rendezvous

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestOwnPauseIsSaid by either side with a loss, where it did nothing for more than
// half of LostAfter, for as long as that may be what the other was lost for.
func TestOwnPauseIsSaid(t *testing.T) {
	const silence = 10 * time.Second
	for _, c := range []struct {
		lasted, ago time.Duration
		want        bool
	}{
		{silence / 2, 0, false},
		{silence/2 + 1, 0, true},
		{silence, silence - 1, true},
		{silence, silence, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
			elapse(time.Second) // no write is under way
			w := r.workers[0]
			r.head.mu.Lock()
			s := r.head.members[r.head.placed[1].id].sess
			r.head.mu.Unlock()
			for _, one := range []*session{s, w.sess} {
				one.stoodStill(time.Now().Add(-c.lasted))
			}
			elapse(c.ago)
			p.lines[0].reset()
			for side, text := range map[string]string{
				"head (10.0.0.1)": (<-r.head.Events()).(Lost).Reason, "b (10.0.0.2)": (<-w.Outcome()).Cause,
			} {
				if got := strings.Contains(text, side+" itself stood still for "+c.lasted.Round(100*time.Millisecond).String()); got != c.want {
					t.Errorf("%s that did nothing for %s, %s ago, says %q", side, c.lasted, c.ago, text)
				}
			}
			r.close(t)
		})
	}
}
