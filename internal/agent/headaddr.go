package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"

	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/internal/hostnet"
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
	return nil, r.unresolved(err)
}

// unresolved says what was tried.
func (r headResolver) unresolved(err error) error {
	return fmt.Errorf("%w; tried the hosts file and DNS, %s", err, r.facts.Tried)
}

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
	dns, unresolved := errors.AsType[*net.DNSError](err)
	if !unresolved || d.head != d.facts.Head || d.facts.Tried == "" {
		return conn, err
	}
	if len(d.facts.Addrs) == 0 {
		return nil, d.unresolved(err)
	}
	addr := d.facts.Addrs[int(d.next.Add(1)-1)%len(d.facts.Addrs)]
	conn, err = d.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), d.port))
	if err != nil {
		return nil, fmt.Errorf("%w; %w", d.unresolved(dns), err)
	}
	return conn, nil
}
