package rendezvous

import (
	"cmp"
	"slices"
	"time"

	"go.uber.org/zap"
)

// tryAgree fixes the roster as soon as all nodes are here, and hands it out.
// It is called with mu held.
func (h *Head) tryAgree() {
	if h.state != gathering || len(h.members)+1 < h.cfg.Nodes {
		return
	}
	h.placed = h.place()
	h.unready = len(h.placed)
	for rank, m := range h.placed {
		m.node.Rank = rank
		h.roster.Nodes = append(h.roster.Nodes, m.public())
	}
	h.roster.Payload = h.cfg.Payload
	h.broken = h.handOut()
	h.enter(agreed, h.agreedC)
	h.log.Info("all nodes are here", zap.String("run", h.roster.RunID),
		zap.String("nodes", named(h.roster.Nodes)), zap.Duration("after", time.Since(h.began)))
}

// handOut queues the roster for every worker. Its frame is one for all, so
// each worker's own rank goes ahead of it. It is called with mu held.
func (h *Head) handOut() error {
	roster, err := encode(message{Type: kindRoster, Roster: h.roster.wire()})
	if err != nil {
		return err
	}
	for rank, m := range h.placed[1:] {
		place, err := encode(message{Type: kindPlace, Rank: new(rank + 1)})
		if err != nil {
			return err
		}
		m.sess.out.send(place)
		m.sess.out.send(roster)
	}
	return nil
}

// enter goes over to another state. It is called with mu held.
func (h *Head) enter(s headState, c chan struct{}) {
	h.state, h.since = s, time.Now()
	close(c)
	h.touch()
}

// place puts the members into the order of their ranks: a scheduler's, if it
// gave every worker one, else the head first and the others by address.
func (h *Head) place() []*member {
	placed := make([]*member, 1, len(h.members)+1)
	placed[0] = h.self
	ranked := 0
	for _, m := range h.members {
		placed = append(placed, m)
		if m.node.Rank != NoRank {
			ranked++
		}
	}
	// Ranks are distinct and below Nodes, for admit has seen to that: if all
	// have one and there are Nodes of them, they are 0 to Nodes-1.
	byRank := ranked > 0 && ranked == len(h.members)
	if ranked > 0 && !byRank {
		h.log.Warn("not every node has a rank from its scheduler: ranks go by address",
			zap.Int("with", ranked), zap.Int("without", len(h.members)-ranked))
	}
	slices.SortFunc(placed[1:], func(a, b *member) int {
		if byRank {
			return cmp.Compare(a.node.Rank, b.node.Rank)
		}
		return cmp.Or(
			a.node.Addr.Compare(b.node.Addr),
			cmp.Compare(a.node.Name, b.node.Name),
			cmp.Compare(a.id, b.id),
		)
	})
	return placed
}
