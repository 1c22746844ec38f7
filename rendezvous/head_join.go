package rendezvous

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"go.uber.org/zap"
)

const (
	acceptPauseMin = 5 * time.Millisecond
	acceptPauseMax = time.Second
)

// accept takes connections until the head is closed. Errors of the system (no
// file descriptor left, for one) pass, so it goes on after them.
func (h *Head) accept() {
	pause := acceptPauseMin
	for {
		conn, err := h.cfg.Listener.Accept()
		if err == nil {
			pause = acceptPauseMin
			h.letIn(conn)
			continue
		}
		if isClosed(h.closedC) {
			return
		}
		if errors.Is(err, net.ErrClosed) {
			h.log.Error("the rendezvous port was closed: no more nodes can join", zap.Error(err))
			return
		}
		h.note(zap.WarnLevel, "cannot accept a connection, trying again", peer{name: h.cfg.Self.Name, book: h.applicants},
			zap.String("reason", err.Error()), zap.Duration("in", pause))
		h.door.evict()
		select {
		case <-h.closedC:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, acceptPauseMax)
	}
}

// letIn waits for a place at the door.
func (h *Head) letIn(conn net.Conn) {
	ownBeats(conn)
	v := h.door.enter(conn)
	if isClosed(h.closedC) { // the door may have been cleared before it came in
		_ = conn.Close()
		return
	}
	h.wg.Go(func() { h.receive(v) })
}

// receive brings a connection from its first byte to a session or to its end.
func (h *Head) receive(v *visitor) {
	defer h.door.leave(v)
	_ = v.SetDeadline(v.since.Add(proofTime))
	conn := tls.Server(v, h.tls)

	a, err := h.introduce(v, conn)
	var m *member
	if err == nil {
		m, err = h.admit(a, v, conn)
	}
	if err != nil {
		h.turnAway(conn, v.since.Add(proofTime), a, err)
		return
	}
	// A goroutine of its own, so that the deep stack of a TLS handshake is not
	// kept for as long as the session lasts.
	h.wg.Go(func() { h.serve(m) })
}

// introduce has the peer prove itself and say who it is.
func (h *Head) introduce(v *visitor, conn *tls.Conn) (*application, error) {
	if err := greetWorker(conn, h.cfg.Secret); err != nil {
		return nil, err
	}
	v.known = true
	asked := time.Now() // the greeting that the worker has waited for is out
	body, err := readFrame(conn, maxJoin)
	if err != nil {
		return nil, err
	}
	m, err := decode(body)
	if err != nil {
		return nil, err
	}
	if m.Type != kindJoin {
		return nil, nonsense(fmt.Sprintf("a message %q in place of a join", cut(string(m.Type), maxName)))
	}
	if err := m.Join.check(); err != nil {
		return nil, nonsense(err.Error())
	}
	m.Join.timed(asked, time.Now())
	return m.Join, nil
}

// admit makes an applicant a member of the run, or says why it cannot be one.
func (h *Head) admit(a *application, v *visitor, conn *tls.Conn) (*member, error) {
	welcome, err := encode(message{
		Type: kindWelcome, Terms: &terms{LostAfter: h.cfg.LostAfter.Milliseconds()},
	})
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	head := h.self.node
	if own := addrOf(conn.LocalAddr()); h.betterAddr(own) {
		head.Addr = own
	}
	if no := h.judge(head, *a); no != nil {
		return nil, no
	}
	rank := NoRank
	if h.state == going {
		rank = h.placeFor(*a)
	}
	if h.closed || !h.door.leave(v) {
		return nil, net.ErrClosed
	}
	h.self.node = head
	if old := h.members[a.ID]; old != nil {
		h.log.Info("node joined again", zap.Stringer("node", a.Node))
		old.gone = true
		old.sess.abort(errClosed)
	}
	m := newMember(*a, newSession(conn, h.cfg.LostAfter))
	m.before = h.placeBefore(*a)
	m.sess.out.send(welcome)
	h.members[a.ID] = m
	if h.state == going {
		h.comeLate(m, rank)
		return m, nil
	}
	h.log.Info("node joined", zap.Stringer("node", a.Node),
		zap.Int("have", len(h.members)+1), zap.Int("want", h.cfg.Nodes))
	h.touch()
	h.tryAgree()
	return m, nil
}

// betterAddr reports whether the head, which was not told its address, takes one
// at which it was reached: the first, or the first that other hosts can reach. It
// is called with mu held.
func (h *Head) betterAddr(own netip.Addr) bool {
	now := h.self.node.Addr
	return !now.IsValid() ||
		h.state == gathering && !h.cfg.Self.Addr.IsValid() && now.IsLoopback() && !own.IsLoopback()
}

// serve carries a member's session until it is over.
func (h *Head) serve(m *member) {
	err := m.sess.serve(func(msg message) error {
		h.hear(m, msg)
		return nil
	})
	h.dropped(m, err)
}

// addrOf is a connection's address without its port.
func addrOf(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	port, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return port.Addr().Unmap()
}
