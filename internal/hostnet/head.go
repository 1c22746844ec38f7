package hostnet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// A Resolver looks addresses up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// An Answer says whether the head's name means this host.
type Answer struct {
	Yes   bool
	Why   string       // for the log: "10.0.0.5 is on eth0"
	Addrs []netip.Addr // what the name resolved to; none if the name alone was enough
}

// An UnresolvedError is a head's name that has no address so far. A container
// engine's DNS knows a container only while it runs, so this may pass.
type UnresolvedError struct {
	Name string
	Err  error // the resolver's
}

func (e *UnresolvedError) Error() string {
	return fmt.Sprintf("the head's name %s doesn't resolve: %v", e.Name, e.Err)
}

func (e *UnresolvedError) Unwrap() error { return e.Err }

// IsHead tells whether head, a host name or an address, means this host. It
// does if it is the host's own name, given as hostname, or if an address that
// it resolves to is this host's. Loopback addresses count: Debian's installer
// maps a host's own name to 127.0.1.1 (Debian Reference, 5.1.1), and other
// hosts don't resolve it so.
//
// The name goes before its addresses, because behind NAT a host's name may
// resolve to an address that no interface carries.
//
// The error is an *UnresolvedError; after a while another try may succeed.
func (h *Host) IsHead(ctx context.Context, r Resolver, head, hostname string) (Answer, error) {
	if addr, err := netip.ParseAddr(head); err == nil {
		return h.answer(head, []netip.Addr{addr.Unmap()}), nil
	}
	if sameHost(head, hostname) {
		return Answer{Yes: true, Why: head + " is this host's own name"}, nil
	}
	addrs, err := r.LookupNetIP(ctx, "ip", head)
	if err == nil && len(addrs) == 0 {
		err = errors.New("no addresses")
	}
	if err != nil {
		return Answer{}, &UnresolvedError{Name: head, Err: err}
	}
	unmapped := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		unmapped[i] = a.Unmap()
	}
	return h.answer(head, unmapped), nil
}

// answer holds the head's addresses against this host's.
func (h *Host) answer(head string, addrs []netip.Addr) Answer {
	for _, a := range addrs {
		if !h.Owns(a) {
			continue
		}
		why := a.String() + " is a loopback address"
		if iface, err := h.InterfaceOf(a); err == nil && !a.IsLoopback() {
			why = a.String() + " is on " + iface
		}
		return Answer{Yes: true, Why: resolved(head, a) + why, Addrs: addrs}
	}
	return Answer{Why: resolved(head, addrs...) + "this host has " + h.String(), Addrs: addrs}
}

// resolved starts an explanation: "head-host is 10.0.0.5, and ".
func resolved(head string, addrs ...netip.Addr) string {
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	if len(texts) == 1 && texts[0] == head {
		return ""
	}
	return head + " is " + strings.Join(texts, ", ") + ", and "
}

// sameHost reports whether two names are one host's: equal but for case and a
// final dot, or one of them the other's first label. node1.a and node1.b are
// two hosts.
func sameHost(a, b string) bool {
	a = strings.ToLower(strings.TrimSuffix(a, "."))
	b = strings.ToLower(strings.TrimSuffix(b, "."))
	if a == "" || b == "" {
		return false
	}
	shortA, _, _ := strings.Cut(a, ".")
	shortB, _, _ := strings.Cut(b, ".")
	return a == b || a == shortB || b == shortA
}
