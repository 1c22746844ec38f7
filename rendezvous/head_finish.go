package rendezvous

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.uber.org/zap"
)

// settle counts an acknowledgement that is in, or cannot come any more. It is
// called with mu held.
func (h *Head) settle() {
	if h.unsettled--; h.unsettled == 0 {
		close(h.settledC)
	}
}

// Finish ends the run, in whatever state it is: every node that is here, also
// one that still waits for others, gets the outcome, all at the same time.
// Finish waits until each has acknowledged or is gone, or the context ends, and
// returns those that did not acknowledge; after a run that was gathered again and
// not agreed, also nodes of the one before that have not come back to be told, for
// which it waits 3 seconds at most. The first call's outcome is the
// run's; a later one only waits.
func (h *Head) Finish(ctx context.Context, o Outcome) []Node {
	h.finish(o)
	select {
	case <-h.settledC:
	case <-h.closedC:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var silent []Node
	for _, m := range h.members {
		if !m.acked {
			silent = append(silent, m.public())
		}
	}
	for rank := range h.absent {
		n := h.cfg.Was.Nodes[rank]
		silent = append(silent, Node{Name: n.Name, Addr: n.Addr, Rank: rank})
	}
	slices.SortFunc(silent, func(a, b Node) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), a.Addr.Compare(b.Addr))
	})
	return silent
}

func (h *Head) finish(o Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == ended {
		return
	}
	h.outcome = o
	o = o.trimmed()
	frame, err := encode(message{Type: kindOutcome, Outcome: &o})
	if err != nil {
		h.log.Error("cannot send the outcome", zap.Error(err))
	}
	h.sendAll(frame)
	h.unsettled = 1
	for _, m := range h.members {
		if !m.gone {
			h.unsettled++
		}
	}
	h.awaitAbsent()
	h.enter(ended, h.endedC)
	h.settle() // the one that kept settledC open until all were counted
}

// comeback is how long the end of a run that was gathered again waits for
// workers of the run before, which still end what they ran.
const comeback = 3 * time.Second

// awaitAbsent has Finish wait for those nodes of the run before that have not
// joined yet: nobody else tells them that there is no next one. It is called with
// mu held, before the state changes.
func (h *Head) awaitAbsent() {
	if h.state != gathering || h.outcome.Again || len(h.cfg.Was.Nodes) == 0 {
		return
	}
	h.absent = make(map[int]bool)
	for rank, n := range h.cfg.Was.Nodes {
		if rank > 0 && !n.Gone {
			h.absent[rank] = true
		}
	}
	for _, m := range h.members {
		delete(h.absent, m.before)
	}
	h.unsettled += len(h.absent)
	h.wg.Go(h.giveUpAbsent)
}

func (h *Head) giveUpAbsent() {
	select {
	case <-time.After(comeback):
	case <-h.settledC:
	case <-h.closedC:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for rank, waits := range h.absent {
		if waits {
			h.absent[rank] = false
			h.settle()
		}
	}
}

// heardBy counts out an absent node, which has been told the outcome. It is
// called with mu held.
func (h *Head) heardBy(rank int) {
	if h.absent[rank] {
		h.settle()
	}
	delete(h.absent, rank)
}
