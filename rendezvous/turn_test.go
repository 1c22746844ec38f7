package rendezvous

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

// counting is where the head takes note of a kind, as the document's table has it.
var counting = map[kind][]headState{
	kindReady: {agreed},
	kindPong:  {gathering, agreed, going},
	kindStop:  {gathering, agreed, going},
	kindFail:  {agreed, going},
	kindDone:  {agreed, going},
	kindAck:   {ended},
}

// inState has a head in that state, with a worker that the test talks for, which has
// a ping to answer. The run needs one more, which is there from the agreement on.
func inState(t *testing.T, p *pipes, state headState) (h *Head, raw *member, say func(message), end func()) {
	t.Helper()
	h = startHead(t, p.head(3))
	conn := rawWorker(t, p, "raw")
	join := []<-chan joined{}
	if state != gathering {
		join = append(join, start(t.Context(), p.worker("b", "10.0.0.2")))
		gather(t, h)
	}
	if state == going {
		for _, m := range h.placed {
			h.mu.Lock()
			h.markReady(m)
			h.mu.Unlock()
		}
	}
	if state == ended {
		go h.Finish(t.Context(), theEnd)
	}
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	raw = h.members["raw"]
	raw.pings = 1
	say = func(m message) {
		t.Helper()
		frame, err := encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(frame); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	return h, raw, say, func() {
		_ = conn.NetConn().Close()
		_ = h.Close()
		for _, c := range join {
			_ = (<-c).Close()
		}
	}
}

// noted is all that a member's message may change.
func (h *Head) noted(m *member) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fmt.Sprint(h.state, len(h.members), h.unready, h.unsettled, len(h.events), m.ready, m.pongs, m.fail, m.acked, m.gone, m.node)
}

// TestEachKindInEachState: what isn't for that state is skipped, and so is the same
// once more, and the worker stays.
func TestEachKindInEachState(t *testing.T) {
	for state := gathering; state <= ended; state++ {
		for _, counts := range []bool{false, true} {
			inBubble(t, fmt.Sprint(state, counts), func(t *testing.T) {
				p := newPipes()
				h, raw, say, end := inState(t, p, state)
				for _, m := range everyMessage() {
					if slices.Contains(counting[m.Type], state) != counts {
						continue
					}
					for _, want := range []bool{counts && m.Type != kindDone, counts && m.Type == kindStop} { // done: it has failed
						before := h.noted(raw)
						say(m)
						if after := h.noted(raw); (after != before) != want || raw.gone {
							t.Errorf("%s: %s became %s", m.Type, before, after)
						}
					}
				}
				raw.gone = true // another has its place, and what it had sent comes in
				for before, kinds := h.noted(raw), everyMessage(); len(kinds) > 0; kinds = kinds[1:] {
					if h.hear(raw, kinds[0]); h.noted(raw) != before {
						t.Errorf("%s of one that is gone: %s became %s", kinds[0].Type, before, h.noted(raw))
					}
				}
				end()
			})
		}
	}
}
