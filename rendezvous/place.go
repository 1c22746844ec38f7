package rendezvous

import (
	"cmp"
	"slices"

	"go.uber.org/zap"
)

// place puts the members into the order of their ranks: a scheduler's, if it
// gave every worker one, else the head first, then each at the rank that it had
// in the run before, and the others by address.
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
	// Ranks are distinct, for admit has seen to that.
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
	if byRank {
		return placed
	}
	return h.asBefore(placed)
}

// asBefore moves members, which are in order, to the ranks that they had. A
// worker's own word comes first, for it is about one process; then what the
// head knows of name and address, which a container keeps that is started
// again; then the name alone, for where networks are made anew the address
// isn't.
func (h *Head) asBefore(members []*member) []*member {
	run := h.runBefore()
	if run == "" {
		return members
	}
	placed := make([]*member, len(members))
	placed[0] = members[0]
	seated := make(map[*member]bool, len(members))
	take := func(rank int, m *member) {
		if rank > 0 && rank < len(placed) && placed[rank] == nil && !seated[m] {
			placed[rank], seated[m] = m, true
		}
	}
	for _, m := range members[1:] {
		if m.said.Was != nil && m.said.Was.RunID == run {
			take(m.said.Was.Rank, m)
		}
	}
	for _, same := range []func(was, is Node) bool{sameNode, sameName} {
		free := make(map[string][]*member) // by name, so that thousands take no time
		for _, m := range members[1:] {
			if !seated[m] {
				free[m.node.Name] = append(free[m.node.Name], m)
			}
		}
		for rank, was := range h.cfg.Was.Nodes {
			for _, m := range free[was.Name] {
				if same(was, m.node) {
					take(rank, m)
				}
			}
		}
	}
	rank := 1
	for _, m := range members[1:] {
		if seated[m] {
			continue
		}
		for placed[rank] != nil {
			rank++
		}
		placed[rank] = m
	}
	return placed
}

func sameNode(a, b Node) bool { return a.Name == b.Name && a.Addr == b.Addr }

func sameName(a, b Node) bool { return a.Name == b.Name }

// runBefore is the run whose ranks count: the one that the head knows, else the
// one that most workers were in, as after a head's own restart.
func (h *Head) runBefore() string {
	if h.cfg.Was.RunID != "" {
		return h.cfg.Was.RunID
	}
	votes := make(map[string]int)
	most := ""
	for _, m := range h.members {
		if m.said.Was == nil {
			continue
		}
		run := m.said.Was.RunID
		votes[run]++
		if votes[run] > votes[most] || votes[run] == votes[most] && run < most {
			most = run
		}
	}
	return most
}
