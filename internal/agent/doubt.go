package agent

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/syminit/syminit/internal/hostnet"
)

// doubtTime is how long a look at what SYMINIT_HEAD means may take, where nothing
// depends on the answer.
const doubtTime = 3 * time.Second

// checkHead refuses a SYMINIT_HEAD that means this host where the scheduler has
// rank 0 on another one and gave this node its rank. Without a scheduler's word it
// may be right: two nodes can share one host's network.
func (n *node) checkHead(ctx context.Context, host *hostnet.Host) error {
	rank := n.cfg.Source("SYMINIT_RANK")
	if n.cfg.Rank < 1 || n.facts.Source == "" || rank != n.facts.Source || n.facts.Head == "" || n.cfg.Head == n.facts.Head {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, doubtTime)
	defer cancel()
	named, err := host.IsHead(ctx, n.resolver(), n.cfg.Head, n.name)
	// Behind a loopback address may be whatever leads to the head.
	if err != nil || !named.Yes || slices.ContainsFunc(named.Addrs, netip.Addr.IsLoopback) {
		return nil
	}
	told, err := host.IsHead(ctx, n.resolver(), n.facts.Head, n.name)
	if err != nil || told.Yes {
		return nil
	}
	return failf(CodeConfig, "SYMINIT_HEAD=%s means this host (%s), whose SYMINIT_RANK is %d, from %s, which has rank 0 on %s; unset SYMINIT_HEAD on every node, or set SYMINIT_RANK too, to 0 here",
		n.cfg.Head, named.Why, n.cfg.Rank, rank, n.facts.Head)
}

// doubtHead says what is odd about SYMINIT_HEAD on a node whose role is given,
// and may be right all the same, or where it is from: "" for nothing. It is for when
// the others don't come.
func (n *node) doubtHead(ctx context.Context, host *hostnet.Host, id identity) string {
	ctx, cancel := context.WithTimeout(ctx, doubtTime)
	defer cancel()
	named, err := host.IsHead(ctx, n.resolver(), n.cfg.Head, n.name)
	switch {
	case id.head && (n.cfg.Head == "" || err != nil || named.Yes):
		return ""
	case id.head:
		return fmt.Sprintf("this node is the head, as %s, but the others look for it at SYMINIT_HEAD=%s: %s; set SYMINIT_HEAD to an address of this host on every node, unless that one leads here", id.why, n.cfg.Head, named.Why)
	case err != nil || !named.Yes:
		return n.headFrom()
	}
	return fmt.Sprintf("SYMINIT_HEAD=%s means this host (%s), which isn't the head, as %s; set SYMINIT_HEAD to the head's host on every node, unless the head is another container with this host's network", n.cfg.Head, named.Why, id.why)
}

// headFrom names the variable or file that a scheduler's SYMINIT_HEAD is from, unless
// the error about it does: a person who wants it changed has to look there.
func (n *node) headFrom() string {
	if n.facts.Source == "" || n.facts.Tried != "" || n.cfg.Source("SYMINIT_HEAD") != n.facts.Source {
		return ""
	}
	return fmt.Sprintf("SYMINIT_HEAD=%s is from %s", n.cfg.Head, n.facts.HeadFrom)
}

func (n *node) resolver() headResolver {
	return headResolver{system: net.DefaultResolver, facts: n.facts}
}
