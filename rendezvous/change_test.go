package rendezvous

import (
	"fmt"
	"reflect"
	"testing"
)

// TestWhatIsAChange for the workers: each place once, with who has it, also one that is
// empty again; in the order of ranks; and only where the run goes on with that.
func TestWhatIsAChange(t *testing.T) {
	h := standing(t, going, func(c *HeadConfig) { c.MaxNodes, c.Rejoin = 9, true })
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, name := range []string{"d", "e"} {
		h.comeLate(newMember(nodeOf(name, fmt.Sprint("10.0.0.", i+4)), deadSession()), 3+i)
	}
	h.drop(h.placed[3], "lost")
	h.drop(h.placed[1], "lost")
	c := h.changes()
	if c == nil || fmt.Sprint(c.Came) != "[b (10.0.0.2) d (10.0.0.4) e (10.0.0.5)]" || !reflect.DeepEqual(c.Gone, []int{1, 3}) {
		t.Errorf("change %+v", c)
	}
	if c := h.changes(); c != nil {
		t.Errorf("and once more: %+v", c)
	}
	h.drop(h.placed[4], "lost")
	if c := h.changes(); c == nil || len(c.Came) != 1 {
		t.Errorf("then %+v", c)
	}
	for _, c := range []struct {
		state  headState
		most   int
		rejoin bool
		want   bool
	}{{going, 3, false, false}, {going, 4, false, true}, {going, 3, true, true}, {agreed, 4, true, false}} {
		h := standing(t, c.state, func(cfg *HeadConfig) { cfg.MaxNodes, cfg.Rejoin = c.most, c.rejoin })
		h.mu.Lock()
		h.drop(h.placed[1], "lost")
		if change := h.changes(); (change != nil) != c.want {
			t.Errorf("in state %d, of %d nodes, rejoin %t: %+v", c.state, c.most, c.rejoin, change)
		}
		h.mu.Unlock()
	}
}
