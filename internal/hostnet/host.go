package hostnet

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Host is the links and addresses of this host at one moment.
type Host struct{ links []link }

// A link is a network interface.
type link struct {
	name     string
	index    int
	usable   bool // up, with a carrier
	loopback bool
	addrs    []netip.Addr // the best first; link-local ones with their zone
}

// Local asks the kernel for the links and addresses there are now.
func Local() (*Host, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list network interfaces over netlink: %w", err)
	}
	addrs, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list addresses over netlink: %w", err)
	}
	slices.SortStableFunc(addrs, func(a, b netlink.Addr) int { return rank(a) - rank(b) })
	h := &Host{}
	for _, l := range links {
		h.links = append(h.links, newLink(l.Attrs(), addrs))
	}
	return h, nil
}

// dump repeats a listing that the kernel changed under the reader. A host
// whose addresses never stand still gets the last, possibly incomplete one.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	const attempts = 5
	for i := 1; ; i++ {
		all, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return all, err
		}
		if i == attempts {
			return all, nil
		}
	}
}

// rank orders a link's addresses: IPv4 first, as Ray and NCCL set-ups expect
// it, and last those that the kernel won't or won't much longer use.
func rank(a netlink.Addr) int {
	const shunned = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED | unix.IFA_F_DEPRECATED | unix.IFA_F_TEMPORARY
	switch isV4 := a.IP.To4() != nil; {
	case isV4:
		return 0 // where IFA_F_TEMPORARY's bit means IFA_F_SECONDARY
	case a.Flags&shunned == 0:
		return 1
	}
	return 2
}

func newLink(attrs *netlink.LinkAttrs, addrs []netlink.Addr) link {
	l := link{
		name: attrs.Name, index: attrs.Index, loopback: attrs.RawFlags&unix.IFF_LOOPBACK != 0,
		usable: attrs.RawFlags&unix.IFF_UP != 0 && attrs.RawFlags&unix.IFF_LOWER_UP != 0,
	}
	for _, a := range addrs {
		addr, ok := netip.AddrFromSlice(a.IP)
		if !ok || a.LinkIndex != attrs.Index {
			continue
		}
		addr = addr.Unmap()
		if addr.Is6() && addr.IsLinkLocalUnicast() {
			addr = addr.WithZone(attrs.Name)
		}
		l.addrs = append(l.addrs, addr)
	}
	return l
}

// Owns reports whether addr is one of this host's addresses. All loopback
// addresses are. A zone counts if addr has one.
func (h *Host) Owns(addr netip.Addr) bool {
	return addr.Unmap().IsLoopback() || h.carrier(addr) != nil
}

// HasZone reports whether addr has no zone, or one that is an interface's name or
// index here.
func (h *Host) HasZone(addr netip.Addr) bool {
	zone := addr.Zone()
	return zone == "" || slices.ContainsFunc(h.links, func(l link) bool { return zone == l.name || zone == strconv.Itoa(l.index) })
}

// InterfaceOf returns the name of the interface that carries addr, the
// loopback interface's for loopback addresses.
func (h *Host) InterfaceOf(addr netip.Addr) (string, error) {
	if l := h.carrier(addr); l != nil {
		return l.name, nil
	}
	if addr.Unmap().IsLoopback() {
		for _, l := range h.links {
			if l.loopback {
				return l.name, nil
			}
		}
	}
	return "", fmt.Errorf("no interface of this host carries %s; there are: %s", addr, h)
}

// carrier returns the link that addr is assigned to, nil if there is none.
func (h *Host) carrier(addr netip.Addr) *link {
	addr = addr.Unmap()
	zone := addr.Zone()
	for i, l := range h.links {
		if zone != "" && zone != l.name && zone != strconv.Itoa(l.index) {
			continue
		}
		if slices.ContainsFunc(l.addrs, func(a netip.Addr) bool { return a.WithZone("") == addr.WithZone("") }) {
			return &h.links[i]
		}
	}
	return nil
}

// AddrOf returns the address of the interface with exactly this name: its
// first global unicast IPv4 address, else its first such IPv6 address. The
// loopback interface's is 127.0.0.1 if it has no other.
func (h *Host) AddrOf(iface string) (netip.Addr, error) {
	i := slices.IndexFunc(h.links, func(l link) bool { return l.name == iface })
	if i < 0 {
		return netip.Addr{}, fmt.Errorf("this host has no interface %q; there are: %s", iface, h)
	}
	l := h.links[i]
	if a, ok := l.global(); ok {
		return a, nil
	}
	if l.loopback && len(l.addrs) > 0 {
		return l.addrs[0], nil
	}
	return netip.Addr{}, fmt.Errorf("interface %s has no address that other hosts can use; there are: %s", iface, h)
}

// Usable returns the names of the interfaces over which other hosts may be
// reached.
func (h *Host) Usable() []string {
	var names []string
	for _, l := range h.links {
		if _, ok := l.global(); ok && l.usable && !l.loopback {
			names = append(names, l.name)
		}
	}
	return names
}

// global returns the link's best address that means the same everywhere.
func (l link) global() (netip.Addr, bool) {
	i := slices.IndexFunc(l.addrs, netip.Addr.IsGlobalUnicast)
	if i < 0 {
		return netip.Addr{}, false
	}
	return l.addrs[i], true
}

// String lists the interfaces and their addresses for a log line:
// "lo 127.0.0.1, eth0 10.0.0.5 fd00::5, eth1 without an address".
func (h *Host) String() string {
	if len(h.links) == 0 {
		return "none"
	}
	items := make([]string, len(h.links))
	for i, l := range h.links {
		items[i] = l.name
		for _, a := range l.addrs {
			items[i] += " " + a.WithZone("").String()
		}
		if len(l.addrs) == 0 {
			items[i] += " without an address"
		}
	}
	return strings.Join(items, ", ")
}
