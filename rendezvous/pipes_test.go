package rendezvous

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pipes is a site in memory, whose time is a bubble's virtual one. Unlike
// net.Pipe its lines hold what nobody has read yet, as sockets do, and can be
// cut.
type pipes struct {
	site
	queue chan net.Conn
	done  chan struct{}
	late  chan struct{} // closed while a deadline in the past is set

	mu    sync.Mutex
	shut  bool
	lines []*line // of the connections made, in order
}

func newPipes() *pipes {
	p := &pipes{queue: make(chan net.Conn, 4*maxVisitors), done: make(chan struct{}), late: make(chan struct{})}
	p.site = site{p, p.connect}
	return p
}

func (p *pipes) connect(_ context.Context, from netip.Addr) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	near, far := newLine(netip.AddrPortFrom(from, uint16(40000+len(p.lines))), netip.MustParseAddrPort("10.0.0.1:6378"))
	p.lines = append(p.lines, near.line)
	p.queue <- far
	return near, nil
}

// line connects to the head.
func (p *pipes) line(t testing.TB, from netip.Addr) net.Conn {
	t.Helper()
	conn, err := p.dial(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (p *pipes) Accept() (net.Conn, error) {
	p.mu.Lock()
	late := p.late
	p.mu.Unlock()
	if isClosed(late) {
		return nil, os.ErrDeadlineExceeded
	}
	select {
	case c := <-p.queue:
		return c, nil
	case <-late:
		return nil, os.ErrDeadlineExceeded
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return net.ErrClosed
	}
	p.shut = true
	close(p.done)
	for {
		select {
		case c := <-p.queue:
			_ = c.Close()
		default:
			return nil
		}
	}
}

// SetDeadline knows two: one that is over, and none.
func (p *pipes) SetDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case t.IsZero() && isClosed(p.late):
		p.late = make(chan struct{})
	case !t.IsZero() && !isClosed(p.late):
		close(p.late)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// lineRoom is how much one end may write that the other has not read.
const lineRoom = 64 << 10

var errReset = &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// line is a connection.
type line struct {
	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, with every change
	broken  error         // what either end gets from now on

	worker, head *lineEnd
}

// lineEnd is one end of it.
type lineEnd struct {
	line          *line
	peer          *lineEnd
	local, remote netip.AddrPort

	in            []byte // to be read here
	last          bool   // no more comes in
	mute          bool   // what is sent from here vanishes
	closed        bool
	readBy, outBy time.Time
}

func newLine(here, there netip.AddrPort) (near, far *lineEnd) {
	l := &line{changed: make(chan struct{})}
	near, far = &lineEnd{line: l, local: here, remote: there}, &lineEnd{line: l, local: there, remote: here}
	near.peer, far.peer = far, near
	l.worker, l.head = near, far
	return near, far
}

// cut has everything vanish that is sent from now on, either way.
func (l *line) cut() {
	l.worker.cut()
	l.head.cut()
}

// cut has everything vanish that is sent from this end from now on.
func (e *lineEnd) cut() {
	e.line.mu.Lock()
	defer e.line.mu.Unlock()
	e.mute = true
}

// reset breaks the line, as a host does that knows nothing of a connection.
func (l *line) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = errReset
	l.tell()
}

// tell wakes who waits for a change. It is called with mu held.
func (l *line) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// await calls try, with mu held, until it is done, the end is closed or its
// deadline is over.
func (e *lineEnd) await(by *time.Time, try func() bool) error {
	l := e.line
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case e.closed:
			return net.ErrClosed
		case !by.IsZero() && !time.Now().Before(*by):
			return os.ErrDeadlineExceeded
		case l.broken != nil:
			return l.broken
		case try():
			return nil
		}
		changed, late := l.changed, (<-chan time.Time)(nil)
		if !by.IsZero() {
			late = time.After(time.Until(*by))
		}
		l.mu.Unlock()
		select {
		case <-changed:
		case <-late:
		}
		l.mu.Lock()
	}
}

func (e *lineEnd) Read(p []byte) (n int, err error) {
	over := false
	err = e.await(&e.readBy, func() bool {
		n, over = copy(p, e.in), e.last && len(e.in) == 0
		e.in = e.in[n:]
		if n > 0 {
			e.line.tell()
		}
		return n > 0 || over
	})
	if err == nil && over {
		err = io.EOF
	}
	return n, err
}

func (e *lineEnd) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		err = e.await(&e.outBy, func() bool {
			if e.mute {
				n = len(p)
				return true
			}
			part := p[n:min(len(p), n+lineRoom-len(e.peer.in))]
			n += len(part)
			e.peer.in = append(e.peer.in, part...)
			e.line.tell()
			return len(part) > 0
		})
	}
	return n, err
}

// Close does the worst that a system may when bytes are left unread: it resets
// the line, and what the other end has not read is lost too.
func (e *lineEnd) Close() error {
	e.line.mu.Lock()
	defer e.line.mu.Unlock()
	e.closed = true
	if len(e.in) > 0 && !e.mute {
		e.peer.in = nil
		e.line.broken = errReset
	}
	if !e.mute {
		e.peer.last = true
	}
	e.line.tell()
	return nil
}

func (e *lineEnd) isClosed() bool {
	e.line.mu.Lock()
	defer e.line.mu.Unlock()
	return e.closed
}

func (e *lineEnd) set(t time.Time, deadlines ...*time.Time) error {
	e.line.mu.Lock()
	defer e.line.mu.Unlock()
	for _, d := range deadlines {
		*d = t
	}
	e.line.tell()
	return nil
}

func (e *lineEnd) SetDeadline(t time.Time) error      { return e.set(t, &e.readBy, &e.outBy) }
func (e *lineEnd) SetReadDeadline(t time.Time) error  { return e.set(t, &e.readBy) }
func (e *lineEnd) SetWriteDeadline(t time.Time) error { return e.set(t, &e.outBy) }
func (e *lineEnd) LocalAddr() net.Addr                { return net.TCPAddrFromAddrPort(e.local) }
func (e *lineEnd) RemoteAddr() net.Addr               { return net.TCPAddrFromAddrPort(e.remote) }
