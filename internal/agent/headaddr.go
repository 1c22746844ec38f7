package agent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/internal/hostnet"
	"github.com/syminit/syminit/rendezvous"
)

// headResolver resolves names, the head's also by what the scheduler told: a
// cluster's node names often mean nothing inside a container.
type headResolver struct {
	system hostnet.Resolver
	facts  cluster.Facts
}

// LookupNetIP is net.Resolver's, but for the head's name.
func (r headResolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if host != r.facts.Head || r.facts.Tried == "" {
		return r.system.LookupNetIP(ctx, network, host)
	}
	lookup, _, cancel := r.forLookup(ctx)
	defer cancel()
	addrs, err := r.system.LookupNetIP(lookup, network, host)
	switch {
	case err == nil:
		return addrs, nil
	case len(r.facts.Addrs) > 0:
		return r.facts.Addrs, nil
	}
	return nil, &rendezvous.TriedError{Tried: r.tried(), Err: err}
}

// forLookup is ctx with a third of its time, for a name server may never answer, and
// the scheduler's addresses need the rest, of which a look at a port that gives no
// answer takes half of the whole. Where there are none, or once found is called, it
// has all of it.
func (r headResolver) forLookup(ctx context.Context) (lookup context.Context, found func(), cancel context.CancelFunc) {
	lookup, cancel = context.WithCancel(ctx)
	end, ends := ctx.Deadline()
	if !ends || len(r.facts.Addrs) == 0 {
		return lookup, func() {}, cancel
	}
	third := time.AfterFunc(time.Until(end)/3, cancel)
	return lookup, func() { third.Stop() }, cancel
}

func (r headResolver) tried() string { return "tried the hosts file and DNS, " + r.facts.Tried }

// A headDialer connects to the head.
type headDialer struct {
	headResolver
	head string
	port string
	next atomic.Uint32 // of the addresses that are tried in turn
	net.Dialer
}

func newHeadDialer(facts cluster.Facts, head string, port uint16) *headDialer {
	return &headDialer{
		headResolver: headResolver{system: net.DefaultResolver, facts: facts},
		head:         head, port: strconv.Itoa(int(port)),
	}
}

// dial connects to the head's name, or if it doesn't resolve to one of the
// addresses that the scheduler told, another one each time. The secret proves
// that it is the head.
func (d *headDialer) dial(ctx context.Context) (net.Conn, error) {
	if d.head != d.facts.Head || d.facts.Tried == "" {
		return d.DialContext(ctx, "tcp", net.JoinHostPort(d.head, d.port))
	}
	lookup, found, cancel := d.forLookup(ctx)
	defer cancel()
	named := d.Dialer
	named.ControlContext = func(context.Context, string, string, syscall.RawConn) error {
		found() // a socket is made for an address
		return nil
	}
	conn, err := named.DialContext(lookup, "tcp", net.JoinHostPort(d.head, d.port))
	dns, unresolved := errors.AsType[*net.DNSError](err)
	switch {
	case !unresolved:
		return conn, err
	case len(d.facts.Addrs) == 0:
		return nil, &rendezvous.TriedError{Tried: d.tried(), Err: err}
	}
	why := "the name " + d.head + " doesn't resolve"
	if dns.IsTimeout || lookup.Err() != nil {
		why += ", for no name server answers"
	}
	addr := d.facts.Addrs[int(d.next.Add(1)-1)%len(d.facts.Addrs)]
	conn, err = d.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), d.port))
	if err != nil {
		return nil, &rendezvous.TriedError{Tried: why + "; " + d.tried(), Err: err}
	}
	return conn, nil
}
