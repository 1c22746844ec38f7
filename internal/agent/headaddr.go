package agent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"

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
	addrs, err := r.system.LookupNetIP(ctx, network, host)
	if err == nil || host != r.facts.Head || r.facts.Tried == "" {
		return addrs, err
	}
	if len(r.facts.Addrs) > 0 {
		return r.facts.Addrs, nil
	}
	return nil, &rendezvous.TriedError{Tried: r.tried(), Err: err}
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
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(d.head, d.port))
	_, unresolved := errors.AsType[*net.DNSError](err)
	if !unresolved || d.head != d.facts.Head || d.facts.Tried == "" {
		return conn, err
	}
	if len(d.facts.Addrs) == 0 {
		return nil, &rendezvous.TriedError{Tried: d.tried(), Err: err}
	}
	addr := d.facts.Addrs[int(d.next.Add(1)-1)%len(d.facts.Addrs)]
	conn, err = d.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), d.port))
	if err != nil {
		return nil, &rendezvous.TriedError{Tried: "the name " + d.head + " doesn't resolve; " + d.tried(), Err: err}
	}
	return conn, nil
}
