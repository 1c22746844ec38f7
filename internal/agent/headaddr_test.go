package agent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/rendezvous"
)

// names is a resolver that knows these names.
type names map[string][]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if addrs, ok := n[host]; ok {
		return addrs, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func TestHeadsNameIsResolvedByTheScheduler(t *testing.T) {
	own, told := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.9.9.9")
	facts := cluster.Facts{Head: "n1", Addrs: []netip.Addr{told}, Tried: "ALIASES (10.9.9.9)"}
	for _, tt := range []struct {
		system names
		facts  cluster.Facts
		host   string
		want   netip.Addr // none: an error
		err    string
	}{
		{names{"n1": {own}}, facts, "n1", own, ""},
		{nil, facts, "n1", told, ""},
		{nil, facts, "n2", netip.Addr{}, "no such host"}, // somebody else's name
		{nil, cluster.Facts{Head: "n1", Tried: "ALIASES (none)"}, "n1", netip.Addr{}, "tried the hosts file and DNS, ALIASES (none)"},
		{nil, cluster.Facts{}, "n1", netip.Addr{}, "no such host"},
	} {
		addrs, err := headResolver{tt.system, tt.facts}.LookupNetIP(t.Context(), "ip", tt.host)
		if tt.want.IsValid() != (err == nil) || err == nil && addrs[0] != tt.want || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, %v", tt.host, addrs, err)
		}
	}
}

// TestDialTriesTheSchedulersAddresses: the name means nothing here (.invalid
// never does, RFC 6761), the second of the addresses is the head's.
func TestDialTriesTheSchedulersAddresses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	facts := cluster.Facts{
		Head: "n1.invalid", Tried: "ALIASES (::1)",
		Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")},
	}
	d := newHeadDialer(facts, facts.Head, port)
	if conn, err := d.dial(t.Context()); err == nil {
		_ = conn.Close()
		t.Error("127.0.0.2 has a listener of 127.0.0.1")
	} else if got := (&rendezvous.UnreachableError{Head: "n1", Last: err}).Error(); got != "no head at n1 in 0s: "+
		"the name n1.invalid doesn't resolve; tried the hosts file and DNS, ALIASES (::1): connection refused; "+
		"start the head, and check that SYMINIT_HEAD and SYMINIT_PORT are the same on every node" {
		t.Errorf("the error is %v", got)
	}
	conn, err := d.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()

	facts.Addrs = nil
	_, err = newHeadDialer(facts, facts.Head, port).dial(t.Context())
	got := (&rendezvous.UnreachableError{Head: "n1", Last: err}).Error()
	if _, dns := errors.AsType[*net.DNSError](err); !dns || !strings.Contains(got, "tried the hosts file and DNS, ALIASES (::1): the name n1.invalid doesn't resolve") {
		t.Errorf("without addresses: %v", got)
	}
	_, err = newHeadDialer(facts, "other.invalid", port).dial(t.Context())
	if err == nil || strings.Contains(err.Error(), "tried") {
		t.Errorf("a head that the user named: %v", err)
	}
}
