package rendezvous

import "time"

// placeBefore finds the rank in the run before by which an applicant is one of
// that run's nodes; 0: it is none, as far as this head knows. Its own word comes
// first, for it is about one process, unless another has taken that place since;
// then name and address, which a container keeps that is started again; then the
// name alone, if it is one node's, for where networks are made anew the address
// isn't kept. It is called with mu held.
func (h *Head) placeBefore(a application) int {
	nodes := h.cfg.Was.Nodes
	if w := a.Was; w != nil && w.RunID == h.cfg.Was.RunID && w.Rank > 0 && w.Rank < len(nodes) && sameName(nodes[w.Rank], a.Node) {
		return w.Rank
	}
	named, times := 0, 0
	for rank, was := range nodes {
		switch {
		case rank == 0 || !sameName(was, a.Node):
		case sameNode(was, a.Node) && !h.isBack(rank, a.ID):
			return rank
		default:
			named, times = rank, times+1
		}
	}
	if times == 1 && !h.isBack(named, a.ID) {
		return named
	}
	return 0
}

// isBack reports whether a member other than this one had that place.
func (h *Head) isBack(rank int, but string) bool {
	for id, m := range h.members {
		if m.before == rank && id != but {
			return true
		}
	}
	return false
}

// heldBack reports whether an applicant has to leave the places that are free to
// nodes of the run before, which are expected back. It is called with mu held.
func (h *Head) heldBack(a application) bool {
	if !time.Now().Before(h.cfg.HeldUntil) || a.Node.Rank != NoRank || h.placeBefore(a) > 0 {
		return false
	}
	back := map[int]bool{0: true}
	for _, m := range h.members {
		back[m.before] = true
	}
	return len(h.members)+1+len(h.cfg.Was.Nodes)-len(back) >= h.cfg.MaxNodes
}
