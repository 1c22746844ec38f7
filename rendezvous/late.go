package rendezvous

import (
	"fmt"

	"go.uber.org/zap"
)

// tooLate refuses a node that comes when the roster is agreed, unless it can
// still get a place. It is called with mu held.
func (h *Head) tooLate(a application) *refusal {
	if m := h.members[a.ID]; m != nil && a.Try <= m.try {
		return stale(a)
	}
	if old := h.comeAgain(a); old != nil && (!h.cfg.Rejoin || h.state != going) {
		return &refusal{
			Reason: fmt.Sprintf("the run has begun and has lost %s since", old.node),
			Fix:    "wait for the run to end, or stop it",
			Retry:  true,
		}
	}
	for _, m := range h.placed[1:] {
		if m.gone || !sameNode(m.node, a.Node) {
			continue
		}
		if no := h.doubt(m, a); no != nil {
			return no
		}
	}
	if h.cfg.UniqueAddrs {
		for _, m := range h.placed {
			if no := h.clash(Node{Name: m.node.Name, Addr: m.node.Addr, Rank: NoRank}, a.Node); no != nil && !m.gone {
				return no
			}
		}
	}
	rank := h.placeFor(a)
	switch {
	case rank == NoRank:
		return &refusal{
			Reason: fmt.Sprintf("the run has its %d nodes: %s", len(h.roster.Nodes), named(h.roster.Nodes)),
			Fix:    "start as many nodes as SYMINIT_NODES says, or raise it on every node",
		}
	case h.state != going:
		return &refusal{
			Reason: "the run is starting, and takes more nodes once it goes",
			Fix:    "none is needed",
			Retry:  true,
		}
	case !h.roomForEvents(3 + maxStopped): // its Joined, Lost and Failed
		return &refusal{
			Reason: "the head has not taken note yet of those that came and went",
			Fix:    "none is needed",
			Retry:  true,
		}
	}
	return nil
}

// comeAgain finds the member that an applicant was, nil if none. One that says
// so itself has given its session up, whatever the head knows of that. But a place
// that another has taken since is that one's: each would drive the other out for ever.
func (h *Head) comeAgain(a application) *member {
	for rank, m := range h.placed {
		switch {
		case rank == 0, m.id == a.ID && a.Try <= m.try:
		case m.id == a.ID, a.had(h.roster.RunID, rank) && (!m.late || sameNode(m.node, a.Node)):
			if !m.gone {
				h.drop(m, "it has come again")
				m.sess.abort(errClosed)
			}
			return m
		case m.gone && sameNode(m.node, a.Node):
			return m
		}
	}
	return nil
}

// placeFor finds a place in a run that has begun: the applicant's own, else a
// new one, else any that is empty; NoRank if there is none.
func (h *Head) placeFor(a application) int {
	var own, named, empty []int
	for rank, m := range h.placed {
		switch {
		case rank == 0 || !m.gone || !h.cfg.Rejoin:
		case a.had(h.roster.RunID, rank) || a.Node.Rank == rank || sameNode(m.node, a.Node):
			own = append(own, rank)
		case sameName(m.node, a.Node):
			named = append(named, rank)
		default:
			empty = append(empty, rank)
		}
	}
	if len(own) == 0 && len(named) == 0 && len(h.placed) < h.cfg.MaxNodes {
		return len(h.placed)
	}
	for _, rank := range append(append(own, named...), empty...) {
		return rank
	}
	return NoRank
}

// comeLate gives a new member its place in a run that is going. It is called
// with mu held.
func (h *Head) comeLate(m *member, rank int) {
	m.late, m.node.Rank = true, rank
	if rank == len(h.placed) {
		h.placed = append(h.placed, m)
		h.roster.Nodes = append(h.roster.Nodes, m.public())
	} else {
		if old := h.placed[rank]; h.members[old.id] == old {
			delete(h.members, old.id)
		}
		h.placed[rank] = m
		h.roster.Nodes[rank] = m.public()
	}
	for _, msg := range []message{{Type: kindPlace, Rank: new(rank)}, {Type: kindRoster, Roster: h.roster.wire()}} {
		frame, err := encode(msg)
		if err != nil { // the node is lost, then
			m.sess.abort(err)
			break
		}
		m.sess.out.send(frame)
	}
	h.log.Info("node joined the run that is going", zap.Stringer("node", m.node), zap.Int("rank", rank))
	h.events <- Joined{m.report()}
	h.alter(rank)
}

// alter has the workers told of a place that was lost or taken. It is called
// with mu held.
func (h *Head) alter(rank int) {
	if h.cfg.Rejoin || h.cfg.MaxNodes > h.cfg.Nodes {
		h.touched[rank] = true
		h.touch()
	}
}

// changes is what the workers have to be told, nil if nothing. It is called
// with mu held.
func (h *Head) changes() *change {
	if h.state != going || len(h.touched) == 0 {
		return nil
	}
	c := new(change)
	for rank, n := range h.roster.Nodes {
		if !h.touched[rank] {
			continue
		}
		c.Came = append(c.Came, n) // also one that is gone again: it may be new to them
		if n.Gone {
			c.Gone = append(c.Gone, rank)
		}
	}
	clear(h.touched)
	return c
}
