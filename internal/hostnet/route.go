package hostnet

import (
	"fmt"
	"net"
	"net/netip"
)

// Toward returns the address from which this host reaches addr: what a
// connected UDP socket is given, so it follows every routing rule, needs no
// default route and takes zones. No packet is sent, and none has to arrive.
// Toward one of the host's own addresses it is that address, or 127.0.0.1 or
// ::1 for the loopback ones.
func Toward(addr netip.Addr) (netip.Addr, error) {
	const discard = 9 // any port does
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr.Unmap(), discard)))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the way to %s: %w", addr, err)
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// DefaultAddr returns the address of a host that nobody has to reach so far:
// the one on the default route, IPv4 before IPv6, else the first one that
// other hosts can use, else 127.0.0.1.
func (h *Host) DefaultAddr() netip.Addr {
	// Any two addresses far away. These are what vLLM's get_ip takes.
	for _, far := range []string{"8.8.8.8", "2001:4860:4860::8888"} {
		if a, err := Toward(netip.MustParseAddr(far)); err == nil && a.IsGlobalUnicast() {
			return a
		}
	}
	for _, l := range h.links {
		if a, ok := l.global(); ok && l.usable && !l.loopback {
			return a
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}
