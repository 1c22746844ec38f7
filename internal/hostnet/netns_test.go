package hostnet

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/test/need"
)

// namespaces makes n network namespaces with nothing but a loopback
// interface, and leaves the test in the last one. The test's thread is never
// unlocked, so it ends with the test, and the namespaces with it.
func namespaces(t *testing.T, n int) []netns.NsHandle {
	t.Helper()
	if os.Getuid() != 0 {
		need.Missing(t, "needs root: makes network namespaces")
	}
	runtime.LockOSThread()
	all := make([]netns.NsHandle, n)
	for i := range all {
		ns, err := netns.New()
		if err != nil {
			need.Missing(t, "needs the right to make network namespaces: %v", err)
		}
		t.Cleanup(func() { _ = ns.Close() })
		all[i] = ns
		up(t, "lo")
	}
	return all
}

func enter(t *testing.T, ns netns.NsHandle) {
	t.Helper()
	if err := netns.Set(ns); err != nil {
		t.Fatal(err)
	}
}

func up(t *testing.T, iface string, addrs ...string) {
	t.Helper()
	l, err := netlink.LinkByName(iface)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
	for _, text := range addrs {
		a, err := netlink.ParseAddr(text)
		if err != nil {
			t.Fatal(err)
		}
		a.Flags = unix.IFA_F_NODAD // usable at once
		if err := netlink.AddrAdd(l, a); err != nil {
			t.Fatalf("%s on %s: %v", text, iface, err)
		}
	}
}

// cable makes an interface in this namespace and its other end in peer's.
func cable(t *testing.T, iface string, peer netns.NsHandle, peerIface string) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = iface
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: peerIface, PeerNamespace: netlink.NsFd(peer)}); err != nil {
		t.Fatal(err)
	}
}

func defaultRoute(t *testing.T, iface, gateway string) {
	t.Helper()
	l, err := netlink.LinkByName(iface)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.ParseIP(gateway)}); err != nil {
		t.Fatal(err)
	}
}

func local(t *testing.T) *Host {
	t.Helper()
	h, err := Local()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// wantToward checks address and interface toward another host.
func wantToward(t *testing.T, head, addr, iface string) {
	t.Helper()
	got, err := Toward(netip.MustParseAddr(head))
	if err != nil || got.String() != addr {
		t.Fatalf("toward %s from %s, error %v, want %s", head, got, err, addr)
	}
	if on, err := local(t).InterfaceOf(got); err != nil || on != iface {
		t.Errorf("%s is on %q, error %v, want %s", got, on, err, iface)
	}
}

func wantIsHead(t *testing.T, head string, yes bool) {
	t.Helper()
	got, err := local(t).IsHead(t.Context(), names{"head": {"10.9.0.1"}, "head6": {"fd09::1"}}, head, "some-host")
	if err != nil || got.Yes != yes {
		t.Errorf("is it %s: %v, because %s, error %v", head, got.Yes, got.Why, err)
	}
}

// TestTwoHosts has the default route of the worker lead away from the head.
func TestTwoHosts(t *testing.T) {
	ns := namespaces(t, 3)
	head, elsewhere, worker := ns[0], ns[1], ns[2]
	cable(t, "eth0", elsewhere, "eth0")
	cable(t, "eth1", head, "eth0")
	up(t, "eth0", "192.168.77.2/24")
	up(t, "eth1", "10.9.0.2/24", "10.9.0.3/24")
	defaultRoute(t, "eth0", "192.168.77.1")
	enter(t, head)
	up(t, "eth0", "10.9.0.1/24")

	wantIsHead(t, "head", true)
	wantIsHead(t, "10.9.0.2", false)
	wantToward(t, "10.9.0.1", "10.9.0.1", "eth0") // itself: its address, not lo's
	if a := local(t).DefaultAddr(); a.String() != "10.9.0.1" {
		t.Errorf("without a default route the head's address is %s", a)
	}
	if _, err := Toward(netip.MustParseAddr("192.168.77.2")); err == nil {
		t.Error("there is a way where no route leads")
	}

	enter(t, worker)
	wantIsHead(t, "head", false)
	wantIsHead(t, "10.9.0.3", true)
	wantToward(t, "10.9.0.1", "10.9.0.2", "eth1")
	if a := local(t).DefaultAddr(); a.String() != "192.168.77.2" {
		t.Errorf("on the default route is %s", a)
	}
	if a, err := local(t).AddrOf("eth1"); err != nil || a.String() != "10.9.0.2" {
		t.Errorf("eth1 has %s, error %v", a, err)
	}
}

func TestIPv6Only(t *testing.T) {
	ns := namespaces(t, 2)
	head, worker := ns[0], ns[1]
	cable(t, "eth0", head, "eth0")
	up(t, "eth0", "fd09::2/64")
	enter(t, head)
	up(t, "eth0", "fd09::1/64")

	wantIsHead(t, "head6", true)
	enter(t, worker)
	wantIsHead(t, "head6", false)
	wantToward(t, "fd09::1", "fd09::2", "eth0")
	if a := local(t).DefaultAddr(); a.String() != "fd09::2" {
		t.Errorf("without a default route the address is %s", a)
	}
	if a, err := local(t).AddrOf("eth0"); err != nil || a.String() != "fd09::2" {
		t.Errorf("eth0 has %s, error %v", a, err)
	}
}

func TestLinkLocal(t *testing.T) {
	ns := namespaces(t, 2)
	cable(t, "eth0", ns[0], "eth0")
	cable(t, "eth1", ns[0], "eth1")
	up(t, "eth0", "fe80::2/64")
	up(t, "eth1", "fe80::2:2/64")

	wantToward(t, "fe80::1%eth0", "fe80::2%eth0", "eth0")
	wantIsHead(t, "fe80::2%eth0", true)
	wantIsHead(t, "fe80::2:2%eth1", true)
	wantIsHead(t, "fe80::2%eth1", false)
	wantIsHead(t, "fe80::1%eth0", false)
	for head, want := range map[string]bool{"fe80::1%eth0": true, "fe80::1%1": true, "fe80::1": true, "fe80::1%eth7": false, "fe80::1%4711": false} {
		if got := local(t).HasZone(netip.MustParseAddr(head)); got != want {
			t.Errorf("%s has a zone of this host: %t, want %t", head, got, want)
		}
	}
	if a, err := local(t).AddrOf("eth0"); err == nil {
		t.Errorf("eth0 has %s for other hosts", a)
	}
	if a := local(t).DefaultAddr(); a.String() != "127.0.0.1" {
		t.Errorf("with nothing better the address is %s", a)
	}
}

// TestLinkWithoutCarrier: an address whose link leads nowhere, like that of
// docker0 when no container runs, comes after the others.
func TestLinkWithoutCarrier(t *testing.T) {
	ns := namespaces(t, 2)
	cable(t, "docker0", ns[0], "unplugged")
	cable(t, "eth0", ns[0], "eth0")
	up(t, "docker0", "172.17.0.1/16")
	up(t, "eth0", "10.9.0.2/24", "fd09::2/64")
	enter(t, ns[0])
	up(t, "eth0")
	enter(t, ns[1])
	if a := local(t).DefaultAddr(); a.String() != "10.9.0.2" {
		t.Errorf("got %s of %s", a, local(t))
	}
	if a, err := local(t).AddrOf("docker0"); err != nil || a.String() != "172.17.0.1" {
		t.Errorf("docker0, asked for by name, has %s, error %v", a, err)
	}
	if a := netip.MustParseAddr("172.17.0.1"); !local(t).Owns(a) {
		t.Errorf("%s isn't ours", a)
	}
}

func TestOnlyLoopback(t *testing.T) {
	namespaces(t, 1)
	if a := local(t).DefaultAddr(); a.String() != "127.0.0.1" {
		t.Errorf("got %s", a)
	}
	if a, err := local(t).AddrOf("lo"); err != nil || a.String() != "127.0.0.1" {
		t.Errorf("lo has %s, error %v", a, err)
	}
}
