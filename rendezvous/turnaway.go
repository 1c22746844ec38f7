package rendezvous

import (
	"crypto/tls"
	"errors"
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	partingTime = time.Second // that a refused peer has to read why
	maxParting  = 64 << 10    // bytes of it that are still read meanwhile
)

// turnAway ends a connection that did not become a session, by that time at the
// latest: it tells the peer why, if it has proven itself, and the log.
func (h *Head) turnAway(conn *tls.Conn, by time.Time, a *application, err error) {
	defer hangUp(conn)
	who := peer{name: conn.RemoteAddr().String(), key: hostOf(conn).String(), book: h.strangers}
	if host := addrOf(conn.RemoteAddr()); host.IsValid() {
		who.name = host.String()
	}
	if a != nil {
		who = peer{name: a.Node.String(), key: a.Node.String(), book: h.applicants}
	}
	var no *refusal
	var bad nonsense
	switch {
	case errors.As(err, &no):
		h.noteRefused(who, no)
		h.part(conn, by, a, no)
	case errors.As(err, &bad):
		h.noteRefused(who, &refusal{Reason: string(bad), Fix: "find out what connects to this port from there"})
	default:
		h.note(zap.InfoLevel, "a connection came to nothing", who, zap.String("reason", noJoinReason(err)))
	}
}

// part tells a refused applicant why, and gives it time to read that.
func (h *Head) part(conn *tls.Conn, by time.Time, a *application, no *refusal) {
	if soon := time.Now().Add(partingTime); soon.Before(by) {
		by = soon
	}
	_ = conn.SetDeadline(by)
	if a != nil { // else the greeting has said it
		frame, err := encode(message{Type: kindRefuse, Refusal: no, Outcome: no.outcome})
		if err != nil {
			return
		}
		if _, err := conn.Write(frame); err != nil {
			return
		}
		if no.outcome != nil && a.Was != nil {
			defer h.told(*a) // once it has read that, or its time is over
		}
	}
	// Closing with bytes unread would make the system drop what we just wrote.
	_ = conn.CloseWrite()
	_, _ = io.CopyN(io.Discard, conn, maxParting)
}

// peer is whom a line is about.
type peer struct {
	name string
	key  string // tells peers apart; an IPv6 network is one, for it has addresses without end
	book *notebook
}

func (h *Head) noteRefused(who peer, no *refusal) {
	if no.usual {
		h.note(zap.InfoLevel, "told a node to come again", who, zap.String("reason", no.Reason))
		return
	}
	if h.note(zap.WarnLevel, "refused a node", who, zap.String("reason", no.Reason), zap.String("fix", no.Fix)) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.problem = who.name + ": " + no.Reason
		h.touch()
	}
}

// note logs what a peer did, at its level if it is news, and else only to debug:
// whoever reaches the port can cause a line, as often as it likes. The first of
// the fields tells lines apart. It reports whether it was news.
func (h *Head) note(level zapcore.Level, text string, who peer, fields ...zap.Field) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := who.book.news(text+who.key+fields[0].String, time.Now())
	if !news {
		level = zap.DebugLevel
	}
	h.log.Log(level, text, append(fields, zap.String("node", who.name))...)
	return news
}

// told takes note that a node of the run before knows how this one ended.
func (h *Head) told(a application) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heardBy(h.placeBefore(a))
}
