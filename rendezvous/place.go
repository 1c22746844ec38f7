package rendezvous

import (
	"cmp"
	"slices"
)

// place puts the members into the order of their ranks: a scheduler's, if it
// gave every worker one, else the head first, then each at the rank that it had
// in the run before, and the others by address.
func (h *Head) place() []*member {
	placed := make([]*member, 1, len(h.members)+1)
	placed[0] = h.self
	for _, m := range h.members {
		placed = append(placed, m)
	}
	// Ranks are distinct, for admit has seen to that.
	byRank := h.ranked() == len(h.members)
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

// ranked is how many members have a rank from their scheduler.
func (h *Head) ranked() int {
	n := 0
	for _, m := range h.members {
		if m.node.Rank != NoRank {
			n++
		}
	}
	return n
}

// asBefore moves members, which are in order, to the ranks that they had: by
// their own word first, then by what placeBefore found.
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
		if w := m.said.Was; w != nil && w.RunID == run && (w.Rank == m.before || h.cfg.Was.RunID == "") {
			take(w.Rank, m)
		}
	}
	for _, m := range members[1:] {
		take(m.before, m)
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
