package hostnet

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestLoopback(t *testing.T) {
	h, err := Local()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"127.0.0.1", "127.0.1.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"} {
		addr := netip.MustParseAddr(a)
		if !h.Owns(addr) {
			t.Errorf("%s isn't ours", a)
		}
		if iface, err := h.InterfaceOf(addr); err != nil || iface != "lo" {
			t.Errorf("%s is on %q, error %v", a, iface, err)
		}
	}
	if a, err := Toward(netip.MustParseAddr("127.0.1.1")); err != nil || !a.IsLoopback() {
		t.Errorf("from %s, error %v", a, err)
	}
	if a, err := h.AddrOf("lo"); err != nil || !h.Owns(a) {
		t.Errorf("lo has %s, error %v", a, err)
	}
}

func TestNotOurs(t *testing.T) {
	for _, a := range []string{"192.0.2.1", "10.0.0.6", "fd00::6", "fe80::5%eth1", "0.0.0.0", "::"} {
		addr := netip.MustParseAddr(a)
		if host.Owns(addr) {
			t.Errorf("%s is ours", a)
		}
		if iface, err := host.InterfaceOf(addr); err == nil || !strings.Contains(err.Error(), "eth1 10.1.0.5") {
			t.Errorf("%s is on %q, error %v", a, iface, err)
		}
	}
	for _, iface := range []string{"eth", "eth2", "", "ETH0"} {
		if a, err := host.AddrOf(iface); err == nil || !strings.Contains(err.Error(), "there are: lo 127.0.0.1 ::1, eth0 10.0.0.5") {
			t.Errorf("%q has %s, error %v", iface, a, err)
		}
	}
}

func TestUsable(t *testing.T) {
	h := &Host{links: append([]link{
		{name: "down", addrs: []netip.Addr{netip.MustParseAddr("10.2.0.5")}},
		{name: "local", usable: true, addrs: []netip.Addr{netip.MustParseAddr("fe80::7%local")}},
		{name: "bare", usable: true},
	}, host.links...)}
	if got := strings.Join(h.Usable(), " "); got != "eth0 eth1" {
		t.Errorf("usable: %s", got)
	}
}

func TestInterruptedListing(t *testing.T) {
	calls := 0
	list := func() ([]int, error) {
		calls++
		if calls < 3 {
			return nil, netlink.ErrDumpInterrupted
		}
		return []int{calls}, nil
	}
	if got, err := dump(list); err != nil || len(got) != 1 || got[0] != 3 {
		t.Errorf("got %v, error %v", got, err)
	}
	never := func() ([]int, error) { return []int{1}, netlink.ErrDumpInterrupted }
	if got, err := dump(never); err != nil || len(got) != 1 {
		t.Errorf("got %v, error %v", got, err)
	}
}
