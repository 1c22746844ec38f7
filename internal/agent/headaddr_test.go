package agent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

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

// silent is a resolver whose name server gives no answer at all.
type silent struct{}

func (silent) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, &net.DNSError{Err: ctx.Err().Error(), Name: host, IsTimeout: true}
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

// TestSilentNameServerLeavesTime: a third of a try is for the name, unless there is
// nothing else, and a look at where all meet has its time too.
func TestSilentNameServerLeavesTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	asking := func(ask func() error) *net.Resolver {
		return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, ask() }}
	}
	// What package net keeps of its files isn't the bubble's.
	_, _ = asking(func() error { return net.ErrClosed }).LookupNetIP(t.Context(), "ip", "n1.invalid")

	const try = 5 * time.Second
	told := cluster.Facts{Head: "n1.invalid", Tried: "ALIASES (127.0.0.1)", Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}}
	for _, tt := range []struct {
		head   string
		facts  cluster.Facts
		lookup time.Duration // until a silent name server is given up
		says   string        // of the second address, or in place of any
	}{
		{told.Head, told, try / 3, "the name n1.invalid doesn't resolve, for no name server answers; tried the hosts file and DNS, ALIASES (127.0.0.1): connection refused"},
		{told.Head, cluster.Facts{Head: told.Head, Tried: "ALIASES (none)"}, try, "tried the hosts file and DNS, ALIASES (none): the name n1.invalid doesn't resolve"},
		{"n2.invalid", told, try, "the name n2.invalid doesn't resolve"},
	} {
		n := lookedAt(t, "worker", good(""))
		n.look.host.Barred = func(ctx context.Context, _ netip.AddrPort) bool {
			select {
			case <-time.After(2501 * time.Millisecond): // and a way there
				return true
			case <-ctx.Done():
				return false
			}
		}
		synctest.Test(t, func(t *testing.T) {
			d := newHeadDialer(tt.facts, tt.head, uint16(l.Addr().(*net.TCPAddr).Port))
			end := make(chan struct{})
			defer close(end)
			d.Resolver, d.system = asking(func() error { <-end; return net.ErrClosed }), silent{}
			dial := func() (time.Duration, error) {
				ctx, cancel := context.WithTimeout(t.Context(), try)
				defer cancel()
				began := time.Now()
				conn, err := d.dial(ctx)
				if err == nil {
					_ = conn.Close()
				}
				return time.Since(began), err
			}
			if took, err := dial(); (err == nil) != (tt.lookup < try) || took != tt.lookup {
				t.Errorf("%s: the first address: %v after %s, want %s", tt.head, err, took, tt.lookup)
			}
			_, err := dial()
			if got := (&rendezvous.UnreachableError{Head: "n1", Last: err}).Error(); err == nil || !strings.Contains(got, "in 0s: "+tt.says) {
				t.Errorf("%s: the second address: %v", tt.head, got)
			}

			ctx, cancel := context.WithTimeout(t.Context(), try)
			defer cancel()
			began := time.Now()
			addrs, _ := d.LookupNetIP(ctx, "ip", tt.head)
			if took := time.Since(began); (len(addrs) > 0) != (tt.lookup < try) || took != tt.lookup {
				t.Errorf("%s is %v after %s, want %s", tt.head, addrs, took, tt.lookup)
			}

			if tt.lookup == try {
				return
			}
			ctx, cancel = context.WithTimeout(t.Context(), try)
			defer cancel()
			if _, err := n.surveyed(d.dial)(ctx); err == nil || !strings.Contains(err.Error(), "looking once more") {
				t.Errorf("where all meet nothing answers, and the error is %v", err)
			}
		})
	}
}

// TestConnectingHasTheWholeTry: only the lookup is cut short.
func TestConnectingHasTheWholeTry(t *testing.T) {
	t.Parallel()
	// A listener with room for one connection, which is there: the next gets no answer.
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err = errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	own, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	facts := cluster.Facts{Head: "127.0.0.1", Tried: "ALIASES (127.0.0.2)", Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.2")}}
	d := newHeadDialer(facts, facts.Head, uint16(own.(*syscall.SockaddrInet4).Port))
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		conn, err := d.dial(ctx)
		if err == nil {
			defer func() { _ = conn.Close() }()
			continue
		}
		if slow, ok := errors.AsType[net.Error](err); !ok || !slow.Timeout() {
			t.Errorf("the connection that gets no answer: %v", err)
		}
		return
	}
	t.Error("two connections where there is room for one")
}
