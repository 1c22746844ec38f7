package agent

import (
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/status"
	"github.com/syminit/syminit/rendezvous"
)

const (
	// backoffMin is the pause before the first restart; each one after it is
	// twice as long, up to backoffMax.
	backoffMin = time.Second
	backoffMax = time.Minute
	// soundAfter is how long a run has to last for the next restart to count as
	// the first again, in pause and in number.
	soundAfter = 10 * time.Minute
	// ownersFirst is how long after the pause the places of a run are held for its
	// nodes, against spare ones: an engine takes some seconds to start a container
	// again.
	ownersFirst = 10 * time.Second
)

// A series is what this node keeps from one run to the next.
//
//	run ── its end is final, or the restarts are used up ──▶ over
//	 ▲  └─ its end says Again ──▶ torn down on every node ─┐
//	 └──────────────── pause, gather again ◀──────────────┘
//
// The head decides whether a run is followed by another, and says so in the
// outcome. A worker decides only about itself, when the head is lost.
type series struct {
	restarts int // since the last run that was sound
	pause    time.Duration
	resume   time.Time // when the next run may begin
	usedUp   bool      // another would follow, but for RESTARTS
	manager  manager

	// Of a head: where the nodes meet, who it is, and who had which rank.
	listener net.Listener
	id       identity
	was      rendezvous.Roster
	// Of a worker: the place that it asks for again.
	place rendezvous.Place

	shown atomic.Pointer[string] // what was found before the run
}

// runs carries out one run after another, and returns the last one's outcome.
func runs(c Config, stop *stopper, stops chan stopRequest, board *status.Board) (n *node, o rendezvous.Outcome) {
	kept := &series{manager: manager{log: c.Log}}
	defer kept.close()
	for {
		n = newNode(c, kept, stop, stops, board)
		stop.begin(n.end, n.outcome, kept.place.Rank > 0)
		before := kept.resume
		if o = n.do(); !o.Again {
			if n.managed() {
				kept.manager.ending()
			}
			return n, o
		}
		if err := c.Link.Sweep(strayGrace); err != nil {
			n.log.Warn("processes of the run may be left", zap.Error(err))
		}
		n.showTail(o)
		fields := []zap.Field{zap.Int("code", o.Code)}
		if !kept.resume.Equal(before) { // else it is the head that counts and waits
			fields = append(fields, zap.Int("restart", kept.restarts), zap.Duration("in", kept.pause))
		}
		n.log.Warn("the run failed, starting it again: "+o.Cause, fields...)
	}
}

// pauseLeft is how long it may take until the next run may begin. A worker isn't
// told its head's pause.
func (s *series) pauseLeft() time.Duration {
	if s.place.Rank > 0 {
		return backoffMax
	}
	return max(time.Until(s.resume), 0)
}

// heldUntil is until when the places of the run before are held for its nodes. Who
// takes one that is left needs some of the time for joining.
func (n *node) heldUntil() time.Time {
	return n.resume.Add(min(ownersFirst, n.cfg.JoinTimeout/2))
}

func (s *series) close() {
	if s.listener != nil {
		_ = s.listener.Close()
	}
}

// followed is an outcome that says whether another run follows, and if none does
// because they are used up, that.
func (n *node) followed(o rendezvous.Outcome) rendezvous.Outcome {
	o.Again = n.again(o)
	if n.usedUp {
		o.Cause += fmt.Sprintf(", and SYMINIT_RESTARTS=%d is used up", n.cfg.Restarts)
	}
	return o
}

// again reports whether a run that ended so is followed by another, and takes
// note of it.
func (n *node) again(o rendezvous.Outcome) bool {
	if n.stop.stopping() || o.Code == 0 || n.began.IsZero() || !o.Job && final(o.Code) {
		return false
	}
	if time.Since(n.began) >= soundAfter {
		n.restarts = 0
	}
	if n.cfg.Restarts != config.Unlimited && n.restarts >= int(n.cfg.Restarts) {
		n.usedUp = n.cfg.Restarts > 0
		return false
	}
	n.pause = min(backoffMin<<min(n.restarts, 10), backoffMax)
	n.resume = time.Now().Add(n.pause)
	n.restarts++
	return true
}

// final reports whether an end that isn't the job's own would come again.
func final(code int) bool {
	switch code {
	case CodeConfig, CodeRefused, 126, 127:
		return true
	}
	return false
}
