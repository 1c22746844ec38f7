package rendezvous

import (
	"fmt"
	"strings"
	"unicode"
)

const maxShown = 200 // bytes of a value that differs, in a text

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
		return &refusal{
			Reason: "the run has ended",
			Fix:    "start it again on every node, the head among them",
			Retry:  true, // where containers are restarted, a new head comes
		}
	}
	return h.tooLate(a)
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
	if node.Rank >= h.cfg.Nodes {
		return &refusal{
			Reason: fmt.Sprintf("%s has rank %d, and the run has %d nodes", node, node.Rank, h.cfg.Nodes),
			Fix:    "give the nodes ranks from 0, or set SYMINIT_NODES to how many there are",
		}
	}
	head.Rank = 0
	if no := h.clash(head, node); no != nil {
		return no
	}
	for id, m := range h.members {
		if id == a.ID {
			if a.Try > m.try {
				continue
			}
			return &refusal{
				Reason: fmt.Sprintf("%s has come on another connection since", node),
				Fix:    "none is needed",
				Retry:  true,
			}
		}
		if no := h.clash(m.node, node); no != nil {
			return no
		}
	}
	return nil
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

// tooLate refuses a node that comes when the roster is agreed. If it is one of
// the roster that has lost its session, this run is about to end and there may
// be a next.
func (h *Head) tooLate(a application) *refusal {
	for id, m := range h.members {
		if id == a.ID || m.gone && m.node.Name == a.Node.Name && m.node.Addr == a.Node.Addr {
			return &refusal{
				Reason: fmt.Sprintf("the run has begun and has lost %s since", m.node),
				Fix:    "wait for the run to end, or stop it",
				Retry:  true,
			}
		}
	}
	return &refusal{
		Reason: fmt.Sprintf("the run has its %d nodes: %s", len(h.roster.Nodes), named(h.roster.Nodes)),
		Fix:    "start as many nodes as SYMINIT_NODES says, or raise it on every node",
	}
}
