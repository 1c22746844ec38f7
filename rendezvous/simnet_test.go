package rendezvous

import (
	"context"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// never is when a packet arrives that does not.
var never = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)

// simNet is a network in memory, on a bubble's clock, that loses, delays and
// cuts. What it carries are the bytes of connections, as TCP gives them to a
// program: in order and once. So a lost packet is one that comes late, and
// which of two connections is first is chance. All chance comes from the seed,
// a source of its own for each direction of each connection: the order in which
// goroutines run changes none of it.
type simNet struct {
	seed uint64

	mu    sync.Mutex
	hosts map[netip.Addr]*simHost
	conns []*simEnd // those of clients, in order
	slow  time.Time // when the last of what was sent arrives
}

// latest is when nothing is on its way any more, that was sent by end.
func (n *simNet) latest(end time.Time) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.slow.After(end) {
		return n.slow
	}
	return end
}

// simHost is a host with one cable.
type simHost struct {
	addr     netip.Addr
	out, in  simWay
	down     bool // no power
	dialed   map[netip.Addr]uint64
	listener *simListener
}

// simWay is one direction of a host's cable.
type simWay struct {
	cut   time.Time // nothing passes until then
	delay time.Duration
	loss  float64
}

func newSimNet(seed uint64) *simNet {
	return &simNet{seed: seed, hosts: make(map[netip.Addr]*simHost)}
}

// host is called with mu held.
func (n *simNet) host(a netip.Addr) *simHost {
	h := n.hosts[a]
	if h == nil {
		h = &simHost{addr: a, dialed: make(map[netip.Addr]uint64)}
		n.hosts[a] = h
	}
	return h
}

// change alters a host's cable.
func (n *simNet) change(a netip.Addr, f func(*simHost)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(n.host(a))
}

// arrival is when what is sent now gets there. It is called with mu held.
func (n *simNet) arrival(rng *mathrand.Rand, from, to *simHost) time.Time {
	at := time.Now().Add(50*time.Microsecond + time.Duration(rng.Int64N(int64(2*time.Millisecond))))
	again := 200 * time.Millisecond // TCP's pause before it sends once more
	for _, w := range []simWay{from.out, to.in} {
		at = at.Add(w.delay)
		for w.loss > 0 && rng.Float64() < w.loss {
			at = at.Add(again)
			again *= 2
		}
		if at.Before(w.cut) {
			at = w.cut.Add(time.Duration(rng.Int64N(int64(again))))
		}
	}
	if from.down || to.down || !at.Before(never) {
		return never
	}
	if at.After(n.slow) {
		n.slow = at
	}
	return at
}

// dial connects two hosts.
func (n *simNet) dial(ctx context.Context, from, to netip.Addr) (net.Conn, error) {
	n.mu.Lock()
	a, b := n.host(from), n.host(to)
	a.dialed[to]++
	source := func(way uint64) *mathrand.Rand {
		f, t := a.addr.As4(), b.addr.As4()
		pair := uint64(f[3])<<32 | uint64(f[2])<<40 | uint64(t[3])<<16 | way
		return mathrand.New(mathrand.NewPCG(n.seed, pair<<16|a.dialed[to]))
	}
	near := &simEnd{net: n, host: a, rng: source(1), changed: make(chan struct{})}
	far := &simEnd{net: n, host: b, rng: source(2), changed: make(chan struct{})}
	near.peer, far.peer = far, near
	near.local = netip.AddrPortFrom(from, uint16(40000+a.dialed[to]))
	far.local = netip.AddrPortFrom(to, 6378)
	near.remote, far.remote = far.local, near.local
	n.conns = append(n.conns, near)
	answer := make(chan error, 1)
	if at := n.arrival(near.rng, a, b); at.Before(never) {
		time.AfterFunc(time.Until(at), func() { n.knock(near, far, answer) })
	}
	n.mu.Unlock()
	select {
	case err := <-answer:
		if err != nil {
			return nil, err
		}
		return near, nil
	case <-ctx.Done():
		_ = near.Close() // the other end may have been accepted, and hears of this if it can
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	}
}

// knock is the moment when a connection reaches the host that it is for.
func (n *simNet) knock(near, far *simEnd, answer chan error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := far.host.listener
	var err error
	if l == nil || l.shut {
		err = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	} else {
		l.queue = append(l.queue, far)
		l.tell()
	}
	if at := n.arrival(far.rng, far.host, near.host); at.Before(never) {
		time.AfterFunc(time.Until(at), func() { answer <- err })
	}
}

// simListener is where a host takes connections.
type simListener struct {
	net     *simNet
	host    *simHost
	queue   []*simEnd
	shut    bool
	by      time.Time
	changed chan struct{}
}

// listen opens the host's port.
func (n *simNet) listen(a netip.Addr) *simListener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &simListener{net: n, host: n.host(a), changed: make(chan struct{})}
	l.host.listener = l
	return l
}

func (l *simListener) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *simListener) Accept() (net.Conn, error) {
	for {
		l.net.mu.Lock()
		changed, by := l.changed, l.by
		switch {
		case l.shut:
			l.net.mu.Unlock()
			return nil, net.ErrClosed
		case !by.IsZero() && !time.Now().Before(by):
			l.net.mu.Unlock()
			return nil, os.ErrDeadlineExceeded
		case len(l.queue) > 0:
			c := l.queue[0]
			l.queue = l.queue[1:]
			l.net.mu.Unlock()
			return c, nil
		}
		l.net.mu.Unlock()
		<-changed
	}
}

// SetDeadline is known to work for the past and for none.
func (l *simListener) SetDeadline(t time.Time) error {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	l.by = t
	l.tell()
	return nil
}

func (l *simListener) Close() error {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.shut {
		return net.ErrClosed
	}
	l.shut = true
	l.tell()
	for _, c := range l.queue {
		c.close()
	}
	l.queue = nil
	return nil
}

func (l *simListener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(l.host.addr, 6378))
}

// parcel is what one end has sent the other.
type parcel struct {
	at       time.Time
	data     []byte
	fin, rst bool
}

// simEnd is one end of a connection.
type simEnd struct {
	net           *simNet
	host          *simHost
	peer          *simEnd
	rng           *mathrand.Rand // for what is sent from here
	local, remote netip.AddrPort

	// Of net.mu.
	in            []parcel // sent to this end, in order
	changed       chan struct{}
	closed        bool
	readBy, outBy time.Time
}

func (e *simEnd) tell() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// send puts a parcel on its way to the peer. It is called with net.mu held.
func (e *simEnd) send(p parcel) {
	p.at = e.net.arrival(e.rng, e.host, e.peer.host)
	if n := len(e.peer.in); n > 0 && p.at.Before(e.peer.in[n-1].at) {
		p.at = e.peer.in[n-1].at
	}
	e.peer.in = append(e.peer.in, p)
	e.peer.tell()
	// What comes to an end that is closed is answered with a reset.
	if e.peer.closed && !p.rst && p.at.Before(never) {
		peer := e.peer
		time.AfterFunc(time.Until(p.at), func() {
			e.net.mu.Lock()
			defer e.net.mu.Unlock()
			peer.send(parcel{rst: true})
		})
	}
}

// await calls try, with net.mu held, until it is done; it returns when there is
// more to see, or zero.
func (e *simEnd) await(by *time.Time, try func(now time.Time) (done bool, next time.Time)) error {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case e.closed:
			return net.ErrClosed
		case !by.IsZero() && !now.Before(*by):
			return os.ErrDeadlineExceeded
		case slices.ContainsFunc(e.in, func(p parcel) bool { return p.rst && !p.at.After(now) }):
			return errReset
		}
		done, next := try(now)
		if done {
			return nil
		}
		for _, t := range append(e.resets(), *by) {
			if !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
		changed := e.changed
		var timer *time.Timer
		var late <-chan time.Time
		if !next.IsZero() && next.Before(never) {
			timer = time.NewTimer(next.Sub(now))
			late = timer.C
		}
		e.net.mu.Unlock()
		select {
		case <-changed:
		case <-late:
		}
		if timer != nil {
			timer.Stop()
		}
		e.net.mu.Lock()
	}
}

func (e *simEnd) resets() (at []time.Time) {
	for _, p := range e.in {
		if p.rst {
			at = append(at, p.at)
		}
	}
	return at
}

func (e *simEnd) Read(p []byte) (n int, err error) {
	over := false
	err = e.await(&e.readBy, func(now time.Time) (bool, time.Time) {
		switch {
		case len(e.in) == 0:
			return false, time.Time{}
		case e.in[0].at.After(now):
			return false, e.in[0].at
		case e.in[0].fin:
			over = true
			return true, time.Time{}
		}
		n = copy(p, e.in[0].data)
		if e.in[0].data = e.in[0].data[n:]; len(e.in[0].data) == 0 {
			e.in = e.in[1:]
		}
		e.peer.tell()
		return true, time.Time{}
	})
	if err == nil && over {
		err = io.EOF
	}
	return n, err
}

func (e *simEnd) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		err = e.await(&e.outBy, func(time.Time) (bool, time.Time) {
			room := lineRoom
			for _, sent := range e.peer.in {
				room -= len(sent.data)
			}
			part := p[n:min(len(p), n+max(room, 0))]
			if len(part) > 0 {
				e.send(parcel{data: slices.Clone(part)})
			}
			n += len(part)
			return len(part) > 0, time.Time{}
		})
	}
	return n, err
}

func (e *simEnd) Close() error {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.close()
	return nil
}

// close is Close with net.mu held: with bytes unread it resets the connection.
func (e *simEnd) close() {
	if e.closed {
		return
	}
	e.closed = true
	e.tell()
	now := time.Now()
	unread := slices.ContainsFunc(e.in, func(p parcel) bool { return len(p.data) > 0 && !p.at.After(now) })
	e.send(parcel{rst: unread, fin: !unread})
}

func (e *simEnd) set(t time.Time, deadlines ...*time.Time) error {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	for _, d := range deadlines {
		*d = t
	}
	e.tell()
	return nil
}

func (e *simEnd) SetDeadline(t time.Time) error      { return e.set(t, &e.readBy, &e.outBy) }
func (e *simEnd) SetReadDeadline(t time.Time) error  { return e.set(t, &e.readBy) }
func (e *simEnd) SetWriteDeadline(t time.Time) error { return e.set(t, &e.outBy) }
func (e *simEnd) LocalAddr() net.Addr                { return net.TCPAddrFromAddrPort(e.local) }
func (e *simEnd) RemoteAddr() net.Addr               { return net.TCPAddrFromAddrPort(e.remote) }

// resetAll has a host that has come back know nothing of its connections.
func (n *simNet) resetAll(a netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		for _, e := range []*simEnd{c, c.peer} {
			if e.host.addr == a && !e.peer.closed {
				e.send(parcel{rst: true})
			}
		}
	}
}

// kill has a host's processes die, and closes what they have open, as the system
// does: none of them can send another byte.
func (n *simNet) kill(a netip.Addr, die func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	die()
	if l := n.host(a).listener; l != nil && !l.shut {
		l.shut = true
		l.tell()
		for _, c := range l.queue {
			c.close()
		}
	}
	for _, c := range n.conns {
		for _, e := range []*simEnd{c, c.peer} {
			if e.host.addr == a {
				e.close()
			}
		}
	}
}
