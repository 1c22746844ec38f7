package rendezvous

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// beatsPerSilence is how many times a side that has nothing to say says so
// within LostAfter: two beats may come late before a node counts as lost.
const beatsPerSilence = 4

// session is a proven connection, the same on both ends: frames in, frames out,
// and a beat whenever there was none for a while.
//
//	open ── finish ──▶ finishing ── queue written, peer hangs up ──▶ over
//	  └───────── error, silence, protocol broken, abort ───────────────▲
type session struct {
	conn    *tls.Conn
	silence time.Duration
	out     *outbox

	once sync.Once
	err  error         // why it is over; readable once over is closed
	over chan struct{} // closed as soon as the connection is of no more use

	still standstill // of the writer, which is done with it before serve returns
}

// standstill is the last time that this process did nothing for long, stopped say.
type standstill struct {
	lasted time.Duration
	until  time.Time
}

func newSession(conn *tls.Conn, silence time.Duration) *session {
	return &session{conn: conn, silence: silence, out: newOutbox(), over: make(chan struct{})}
}

// serve hands every message to handle, in order, until the session is over,
// and returns why it is. It leaves no goroutine behind.
func (s *session) serve(handle func(message) error) error {
	written := make(chan struct{})
	go func() {
		defer close(written)
		if err := s.write(); err != nil {
			s.abort(err)
		}
	}()
	s.abort(s.read(handle))
	<-written
	return s.err
}

// stoodStill takes note of it where the writer, which runs again a beat's time after
// its last write at the latest, does so much later.
func (s *session) stoodStill(wrote time.Time) {
	now := time.Now()
	if lasted := now.Sub(wrote); lasted > s.silence/2 {
		s.still = standstill{lasted, now}
	}
}

// loss says why the session was lost, for which serve had the error: what self missed
// while it stood still isn't the peer's doing.
func (s *session) loss(err error, self Node) string {
	reason := lossReason(err, s.silence)
	if s.still.lasted > 0 && time.Since(s.still.until) < s.silence {
		reason += fmt.Sprintf("; %s itself stood still for %s: it was paused, or had no CPU", self, s.still.lasted.Round(100*time.Millisecond))
	}
	return reason
}

// finish lets the session end by itself once what is queued has been written
// and the peer has hung up.
func (s *session) finish() { s.out.close() }

// abort ends the session now. The first reason given is the one that counts.
func (s *session) abort(why error) {
	s.once.Do(func() {
		s.err = why
		close(s.over)
		hangUp(s.conn)
	})
}

// hangUp closes the connection under TLS: a TLS close would wait for a peer
// that does not read.
func hangUp(conn *tls.Conn) { _ = conn.NetConn().Close() }

func (s *session) read(handle func(message) error) error {
	for {
		if err := s.conn.SetReadDeadline(time.Now().Add(s.silence)); err != nil {
			return err
		}
		body, err := readFrame(s.conn, maxFrame)
		if err != nil {
			return err
		}
		m, err := decode(body)
		if err != nil {
			return err
		}
		if err := handle(m); err != nil {
			return err
		}
	}
}

func (s *session) write() error {
	idle := time.NewTimer(s.silence / beatsPerSilence)
	defer idle.Stop()
	wrote := time.Now()
	for {
		frame, over := s.out.take()
		if over {
			return s.conn.CloseWrite() // which has a deadline of its own
		}
		if frame == nil {
			select {
			case <-s.over:
			case <-s.out.wake:
			case <-idle.C:
				frame = bare(kindBeat)
			}
			s.stoodStill(wrote)
			if isClosed(s.over) {
				return nil
			}
			if frame == nil {
				continue
			}
		}
		if err := s.put(frame, s.silence); err != nil {
			return err
		}
		wrote = time.Now()
		idle.Reset(s.silence / beatsPerSilence)
	}
}

// put writes one frame now. The deadline is for a peer that does not read.
func (s *session) put(frame []byte, within time.Duration) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	_, err := s.conn.Write(frame)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errDeaf
	}
	return err
}

// ownBeats turns the system's keepalive off: the session's own beats do its
// work, both ways and within LostAfter.
func ownBeats(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAlive(false)
	}
}
