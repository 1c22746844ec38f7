package rendezvous

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
)

const (
	maxShown = 200           // bytes of a value that differs, in a text
	maxPings = maxQueued / 4 // that a member has not answered: it must have room for the answers
)

// judge says why an applicant cannot become a member of the run now; nil if it can.
// It is called with mu held.
func (h *Head) judge(head Node, a application) *refusal {
	node := a.Node
	if no := mismatch(head, node); no != nil {
		return no
	}
	switch h.state {
	case gathering:
		return h.conflict(head, a)
	case ended:
		return h.over(a)
	}
	return h.tooLate(a)
}

// over refuses a node that comes when the run has ended. One that was in it, and
// has lost its session, hears how; so does one that was in the run before this
// one, if this was never agreed.
func (h *Head) over(a application) *refusal {
	no := &refusal{
		Reason: "the run has ended",
		Fix:    "start it again on every node, the head among them",
		Retry:  true, // where containers are restarted, a new head comes
	}
	if h.outcome.Again {
		no.Reason, no.Fix, no.usual = "the run has ended, and the next one hasn't begun", "none is needed", true
	}
	if a.Was != nil && !h.outcome.Again && (a.Was.RunID == h.roster.RunID || a.Was.RunID == h.cfg.Was.RunID && h.placed == nil) {
		o := h.outcome.trimmed()
		no.outcome = &o
	}
	return no
}

// mismatch compares what must be the same on every node, all of it, so that a
// person sees all differences at once.
func mismatch(head, node Node) *refusal {
	theirs := make(map[string]string, len(node.Match))
	for _, m := range node.Match {
		theirs[m.Name] = m.Value
	}
	var reasons, fixes []string
	for _, m := range head.Match {
		value := theirs[m.Name]
		if m.Value == "" || value == "" || m.Value == value {
			continue
		}
		reasons = append(reasons, fmt.Sprintf("%s differs: %s on the head, %s on %s",
			m.Name, shown(m.Value), shown(value), node.Name))
		if m.Fix != "" {
			fixes = append(fixes, m.Fix)
		}
	}
	if reasons == nil {
		return nil
	}
	if fixes == nil {
		fixes = []string{"make it the same on every node"}
	}
	return &refusal{Reason: strings.Join(reasons, "; "), Fix: strings.Join(fixes, "; ")}
}

// shown is a value as a text shows it, with quotes unless it is one word.
func shown(value string) string {
	value = cut(value, maxShown)
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return fmt.Sprintf("%q", value)
	}
	return value
}

// conflict finds what a joining node has that only one may have.
func (h *Head) conflict(head Node, a application) *refusal {
	node := a.Node
	if node.Rank >= h.cfg.MaxNodes {
		return &refusal{
			Reason: fmt.Sprintf("%s has rank %d, and the run has %d nodes", node, node.Rank, h.cfg.MaxNodes),
			Fix:    "give the nodes ranks from 0, or set SYMINIT_NODES to how many there are",
		}
	}
	head.Rank = 0
	if no := h.clash(head, node); no != nil {
		return no
	}
	known := h.members[a.ID]
	if known != nil && a.Try <= known.try {
		return stale(a)
	}
	for _, m := range h.members {
		if m == known {
			continue
		}
		unclear := h.doubt(m, a) // asked also where two may share an address: else a node that came again counts twice
		if no := h.clash(m.node, node); no != nil {
			return cmp.Or(unclear, no)
		}
	}
	switch {
	case known != nil:
	case len(h.members)+1 >= h.cfg.MaxNodes:
		return &refusal{
			Reason: fmt.Sprintf("the run has its %d nodes, and begins when it may", h.cfg.MaxNodes),
			Fix:    "wait; or start as many nodes as SYMINIT_NODES says, or raise it on every node",
			Retry:  true, // one of them may still leave
		}
	case h.heldBack(a):
		return &refusal{
			Reason: "the places that are free are held for nodes of the run before",
			Fix:    "none is needed: the place of one that doesn't come back is free soon",
			Retry:  true,
			usual:  true,
		}
	}
	return nil
}

// inDoubt reports whether a member may be one that has come again. It is called
// with mu held.
func (h *Head) inDoubt() bool {
	for _, m := range h.members {
		if m.pongs < m.pings {
			return true
		}
	}
	return false
}

// stale refuses a connection that its worker has given up.
func stale(a application) *refusal {
	return &refusal{
		Reason: fmt.Sprintf("%s has come on another connection since", a.Node),
		Fix:    "none is needed",
		Retry:  true,
	}
}

// doubt judges an applicant that has the name and the address of a member. It
// may be that member, started again after its host lost power, with a session
// that is dead already; or a second node on one host. Until the member has
// answered a ping that is younger than the applicant, or has been lost, the
// applicant is told to come again; nil: it is a second one.
// Nor does the run begin with that member before.
func (h *Head) doubt(m *member, a application) *refusal {
	if m.sess == nil || !sameNode(m.node, a.Node) || m.said.Node.Rank != a.Node.Rank { // a scheduler's ranks stay
		return nil
	}
	ping, asked := m.doubts[a.ID]
	switch {
	case asked && m.pongs >= ping:
		delete(m.doubts, a.ID)
		return nil
	case !asked && m.pings-m.pongs < maxPings && m.sess.out.send(bare(kindPing)): // if there is no room: next time
		m.pings++
		m.doubts[a.ID] = m.pings
	}
	return &refusal{
		Reason: fmt.Sprintf("%s is here already, and it is not clear yet whether that one is still alive", m.node),
		Fix:    "wait; or if these are two nodes, start one syminit a host",
		Retry:  true,
	}
}

func (h *Head) clash(have, node Node) *refusal {
	switch {
	case node.Rank != NoRank && node.Rank == have.Rank:
		return &refusal{
			Reason: fmt.Sprintf("%s has rank %d, and so has %s", node, node.Rank, have),
			Fix:    "give every node a rank of its own, the head 0",
		}
	case h.cfg.UniqueAddrs && node.Addr.IsValid() && node.Addr == have.Addr:
		return &refusal{
			Reason: fmt.Sprintf("%s has the address of %s, and this run needs one address a node", node, have),
			Fix:    "start one syminit a host, or give each its own address with SYMINIT_NODE_IP",
		}
	}
	return nil
}
