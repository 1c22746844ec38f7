package hostnet

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// names is a Resolver that knows what it holds.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	texts, ok := n[host]
	if !ok {
		return nil, errNoSuchHost
	}
	var addrs []netip.Addr
	for _, text := range texts {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

var errNoSuchHost = errors.New("no such host")

// host is one with two interfaces.
var host = &Host{links: []link{
	{name: "lo", index: 1, usable: true, loopback: true, addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}},
	{name: "eth0", index: 2, usable: true, addrs: []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("fd00::5"), netip.MustParseAddr("fe80::5%eth0")}},
	{name: "eth1", index: 3, usable: true, addrs: []netip.Addr{netip.MustParseAddr("10.1.0.5")}},
}}

func TestIsHead(t *testing.T) {
	resolver := names{
		"own": {"10.1.0.5"}, "own6": {"fd00::5"}, "mapped": {"::ffff:10.0.0.5"}, "both": {"10.0.0.9", "10.0.0.5"},
		"localhost": {"127.0.0.1", "::1"}, "debian": {"127.0.1.1"},
		"other": {"10.0.0.9", "fd00::9"}, "node1.b": {"10.0.0.9"}, "node10": {"10.0.0.9"}, "empty": {},
	}
	for _, c := range []struct {
		head, hostname string
		yes            bool
		why            string
	}{
		{"10.0.0.5", "x", true, "10.0.0.5 is on eth0"},
		{"::ffff:10.0.0.5", "x", true, "10.0.0.5 is on eth0"},
		{"fe80::5%eth0", "x", true, "fe80::5%eth0 is on eth0"},
		{"fe80::5%2", "x", true, "is on eth0"},
		{"fe80::5", "x", true, "is on eth0"},
		{"fe80::5%eth1", "x", false, "this host has "},
		{"127.0.0.1", "x", true, "127.0.0.1 is a loopback address"},
		{"10.0.0.9", "x", false, "this host has lo 127.0.0.1 ::1, eth0 10.0.0.5 fd00::5 fe80::5, eth1 10.1.0.5"},
		{"10.0.0.9", "10", false, "this host has "},
		{"own", "x", true, "own is 10.1.0.5, and 10.1.0.5 is on eth1"},
		{"own6", "x", true, "own6 is fd00::5, and fd00::5 is on eth0"},
		{"mapped", "x", true, "10.0.0.5 is on eth0"},
		{"both", "x", true, "10.0.0.5 is on eth0"},
		{"localhost", "x", true, "localhost is 127.0.0.1, and 127.0.0.1 is a loopback address"},
		{"debian", "x", true, "debian is 127.0.1.1, and 127.0.1.1 is a loopback address"},
		{"other", "x", false, "other is 10.0.0.9, fd00::9, and this host has "},
		{"node1", "NODE1", true, "node1 is this host's own name"},
		{"node1.a", "node1", true, "own name"},
		{"node1", "node1.a", true, "own name"},
		{"node1.A.", "node1.a", true, "own name"},
		{"node1.b", "node1.a", false, "node1.b is 10.0.0.9, and"},
		{"node10", "node1", false, "node10 is 10.0.0.9, and"},
		{"other", "", false, "other is"},
	} {
		got, err := host.IsHead(t.Context(), resolver, c.head, c.hostname)
		if err != nil || got.Yes != c.yes || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s on %q: %v %q, error %v, want %v %q", c.head, c.hostname, got.Yes, got.Why, err, c.yes, c.why)
		}
		if strings.Contains(got.Why, "own name") != (len(got.Addrs) == 0) {
			t.Errorf("%s on %q: addresses %v", c.head, c.hostname, got.Addrs)
		}
	}
	got, err := host.IsHead(t.Context(), resolver, "both", "x")
	if want := []netip.Addr{netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.0.0.5")}; err != nil || !slices.Equal(got.Addrs, want) {
		t.Errorf("addresses %v, error %v, want %v", got.Addrs, err, want)
	}
}

func TestIsHeadUnresolved(t *testing.T) {
	for _, head := range []string{"nobody", "empty"} {
		got, err := host.IsHead(t.Context(), names{"empty": {}}, head, "x")
		var unresolved *UnresolvedError
		if !errors.As(err, &unresolved) || unresolved.Name != head || got.Yes || !strings.Contains(err.Error(), head) {
			t.Errorf("%s: %+v, error %v", head, got, err)
		}
		if head == "nobody" && !errors.Is(err, errNoSuchHost) {
			t.Errorf("the resolver's error isn't in %v", err)
		}
	}
}
