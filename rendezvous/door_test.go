package rendezvous

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// visits has so many connections enter a door, each from a host that from says.
func visits(d *door, n int, from func(i int) netip.Addr) (in []*visitor) {
	for i := range n {
		_, far := newLine(netip.AddrPortFrom(from(i), 40000), netip.MustParseAddrPort("10.0.0.1:6378"))
		in = append(in, d.enter(far))
	}
	return in
}

func (v *visitor) gone() bool { return v.Conn.(*lineEnd).isClosed() }

// host is an IPv4 address for each number.
func host(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 6, byte(i >> 8), byte(i)}) }

// TestDoorOfThousandsOfHosts: who finds it full comes in once the first of them is half
// a second old, and those behind it as the next get as old.
func TestDoorOfThousandsOfHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		first := visits(d, 1, host)[0]
		elapse(200 * time.Millisecond)
		others := visits(d, 4095, func(i int) netip.Addr { return host(i + 1) })
		if d := time.Since(first.since); d != 200*time.Millisecond || first.gone() {
			t.Errorf("4,096 are in after %s, and the first is gone: %t", d, first.gone())
		}
		visits(d, 1, host)
		if d := time.Since(first.since); d != 500*time.Millisecond || !first.gone() || others[0].gone() {
			t.Errorf("one more is in after %s", d)
		}
		visits(d, 100, host)
		if d := time.Since(first.since); d != 700*time.Millisecond || !others[98].gone() || others[100].gone() {
			t.Errorf("a hundred more are in after %s", d)
		}
	})
}

// TestDoorOfOneHost: if it has 64 visitors, its oldest makes room at once, and
// that of the host with the most if several have so many.
func TestDoorOfOneHost(t *testing.T) {
	in6 := func(net uint64) func(int) netip.Addr { // another address of the network, and link, each time
		return func(i int) netip.Addr {
			a := [16]byte{0xfe, 0x80, 7: byte(net), 8: byte(i), 15: byte(i >> 8)}
			return netip.AddrFrom16(a).WithZone([]string{"", "eth0"}[i%2])
		}
	}
	for name, c := range map[string]struct {
		from    func(int) netip.Addr // of the host in question
		has     int
		another int // visitors that another host has
		makes   bool
	}{
		"an IPv4 address with 64":          {func(int) netip.Addr { return addr("10.9.9.9") }, 64, 63, true},
		"an IPv4 address with 63":          {func(int) netip.Addr { return addr("10.9.9.9") }, 63, 1, false},
		"64 addresses of one IPv4 network": {func(i int) netip.Addr { return host(i).Next() }, 64, 1, false},
		"an IPv6 network with 64":          {in6(1), 64, 63, true},
		"two IPv6 networks with 32":        {func(i int) netip.Addr { return in6(uint64(i % 2))(i) }, 64, 1, false},
		"the one with the most":            {in6(1), 70, 69, true},
		"one with fewer than another":      {in6(1), 70, 71, false},
	} {
		inBubble(t, name, func(t *testing.T) {
			d := newDoor()
			other := visits(d, c.another, func(int) netip.Addr { return addr("10.8.8.8") })
			crowd := visits(d, c.has, c.from)
			visits(d, 4096-c.has-c.another, func(i int) netip.Addr { return host(i + 256) })
			began := time.Now()
			visits(d, 1, host)
			atOnce := time.Since(began) == 0
			if makes := crowd[0].gone() && !crowd[1].gone(); makes != c.makes || c.another < 64 && atOnce != c.makes {
				t.Errorf("made room: %t, at once: %t", makes, atOnce)
			}
			if c.another > c.has && !other[0].gone() {
				t.Error("the other one keeps its oldest")
			}
		})
	}
}
