package agent

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/hostnet"
	"github.com/syminit/syminit/internal/launch"
)

// resolveEvery is how often a head's name that does not resolve yet is looked
// up again.
const resolveEvery = 500 * time.Millisecond

// An identity is what a node knows of itself before it meets the others.
type identity struct {
	head bool
	addr netip.Addr // zero: found out when the nodes meet
	why  string     // why it is the head, or isn't
}

// identify finds out whether this node is the head and at which address the
// others reach it. It waits for the head's name to resolve until ctx ends.
func (n *node) identify(ctx context.Context, host *hostnet.Host) (identity, error) {
	addr, err := n.ownAddr(host)
	if err == nil {
		err = n.checkZone(host)
	}
	if err != nil {
		return identity{}, err
	}
	why := "SYMINIT_ROLE=" + n.cfg.Role
	if n.cfg.Rank >= 0 {
		why = fmt.Sprintf("its rank is %d", n.cfg.Rank)
	}
	if n.cfg.Role != config.RoleAuto {
		id := identity{head: n.cfg.Role == config.RoleHead, addr: addr, why: why}
		go func() { n.waiting.doubt(n.doubtHead(n.life, host, id)) }()
		return id, n.checkHead(ctx, host)
	}
	answer, err := n.resolveHead(ctx, func(ctx context.Context) (hostnet.Answer, error) {
		return host.IsHead(ctx, n.resolver(), n.cfg.Head, n.name)
	})
	if err != nil {
		return identity{}, err
	}
	id := identity{head: answer.Yes, addr: addr, why: answer.Why}
	if id.head && !addr.IsValid() {
		for _, a := range answer.Addrs {
			if a.IsGlobalUnicast() && host.Owns(a) {
				id.addr = a
				break
			}
		}
	}
	return id, nil
}

// ownAddr is the address that the user chose for this node; zero if none.
func (n *node) ownAddr(host *hostnet.Host) (netip.Addr, error) {
	switch {
	case n.cfg.NodeIP.IsValid():
		if !host.Owns(n.cfg.NodeIP) {
			return netip.Addr{}, failf(CodeConfig, "SYMINIT_NODE_IP=%s is not an address of this host, which has %s; correct it, or unset it to have it found", n.cfg.NodeIP, host)
		}
		return n.cfg.NodeIP, n.checkLoopback(host, "SYMINIT_NODE_IP", n.cfg.NodeIP)
	case n.cfg.Interface != "":
		addr, err := host.AddrOf(n.cfg.Interface)
		if err != nil {
			return netip.Addr{}, failf(CodeConfig, "SYMINIT_INTERFACE: %w; correct it, or unset it to have it found", err)
		}
		return addr, n.checkLoopback(host, "SYMINIT_INTERFACE", addr)
	}
	return netip.Addr{}, nil
}

// checkZone refuses a head's address on a link that this host doesn't have.
func (n *node) checkZone(host *hostnet.Host) error {
	if addr, err := netip.ParseAddr(n.cfg.Head); err == nil && !host.HasZone(addr) {
		return failf(CodeConfig, "SYMINIT_HEAD=%s: this host has no interface %s; write the one that leads to the head behind %%; there are: %s", n.cfg.Head, addr.Zone(), host)
	}
	return nil
}

// checkLoopback refuses what Ray would take another address in place of, and
// the run then wait for in vain (resolve_ip_for_localhost in its
// ray/_private/services.py).
func (n *node) checkLoopback(host *hostnet.Host, setting string, addr netip.Addr) error {
	other := host.DefaultAddr()
	if n.runtime != launch.Ray || !addr.IsLoopback() || other.IsLoopback() {
		return nil
	}
	return failf(CodeConfig, "%s stands for %s, in place of which Ray takes another address of this host; set SYMINIT_NODE_IP=%s, or unset it", setting, addr, other)
}

// resolveHead asks until there is an answer. An error of a try that the end of the
// time cut short is not why.
func (n *node) resolveHead(ctx context.Context, ask func(context.Context) (hostnet.Answer, error)) (hostnet.Answer, error) {
	began := time.Now()
	tick := time.NewTicker(resolveEvery)
	defer tick.Stop()
	var why error
	for {
		answer, err := ask(ctx)
		if err == nil {
			return answer, nil
		}
		if why == nil {
			n.waiting.say("waiting for the head: "+err.Error(), true)
		}
		if why == nil || ctx.Err() == nil {
			why = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return hostnet.Answer{}, failf(CodeLost, "%w, for %s; set SYMINIT_HEAD to the head's address, or SYMINIT_ROLE=head on the head", why, time.Since(began).Round(time.Second))
		}
	}
}

// soloAddr is the address of a node that runs alone.
func (n *node) soloAddr(host *hostnet.Host) (netip.Addr, error) {
	addr, err := n.ownAddr(host)
	if err != nil || addr.IsValid() {
		return addr, err
	}
	return host.DefaultAddr(), nil
}
