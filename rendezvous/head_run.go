package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
)

// eventRoom makes room for all events that there can be: of each worker one
// Lost and one Failed or Done, and maxStopped. Of workers that come into a run
// that is going, only so many are taken in that there is room: twice as many as a
// run has, if nobody reads.
func eventRoom(nodes int) int { return 5*nodes + maxStopped }

// maxStopped is how many Stopped there is always room for. A person who presses
// the key once more does not need the one that finds none.
const maxStopped = 64

// roomForEvents reports whether there is room for so many more, beside those that
// the members may cause: a Lost and a Failed each. It is called with mu held.
func (h *Head) roomForEvents(more int) bool {
	for _, m := range h.members {
		if !m.gone {
			more += 2
		}
	}
	return len(h.events)+more <= cap(h.events)
}

// Events tells what workers have reported and who was lost, in order, until
// [Head.Finish]; before the agreement, only who was told to stop. It never holds
// up the head, and is closed by [Head.Close].
func (h *Head) Events() <-chan Event { return h.events }

// Roster is what the nodes agreed on, with the changes since. It has no nodes
// before that.
func (h *Head) Roster() Roster {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rosterNow()
}

func (h *Head) rosterNow() Roster {
	r := h.roster
	r.Nodes = slices.Clone(r.Nodes)
	return r
}

// Gather waits until all nodes are here and returns the roster. It fails with
// a [MissingError] when the context ends first, or an [EndedError] after Finish.
func (h *Head) Gather(ctx context.Context) (Roster, error) {
	select {
	case <-h.agreedC:
	case <-h.endedC:
	case <-h.closedC:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.broken != nil:
		return Roster{}, h.broken
	case h.state == ended:
		return Roster{}, &EndedError{h.outcome}
	case h.state != gathering:
		return h.rosterNow(), nil
	}
	return Roster{}, h.late(ctx, Gathering)
}

// Ready says that this node is ready and waits until every other one is. Call
// it after Gather. It fails with a [LostError] if one is lost, for then that
// cannot be, with a [MissingError] when the context ends first, or an
// [EndedError] after Finish.
func (h *Head) Ready(ctx context.Context) error {
	h.mu.Lock()
	h.markReady(h.self)
	h.mu.Unlock()
	select {
	case <-h.goingC:
	case <-h.firstLostC:
	case <-h.endedC:
	case <-h.closedC:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.state == going:
		return nil
	case h.state == ended:
		return &EndedError{h.outcome}
	case h.lost != nil:
		return h.lost
	}
	return h.late(ctx, Starting)
}

// late is the error of waiting in vain. It is called with mu held.
func (h *Head) late(ctx context.Context, stage Stage) error {
	switch {
	case ctx.Err() == nil:
		return errClosed
	case !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("while %s: %w", stage, context.Cause(ctx))
	}
	p := h.progress()
	missing := &MissingError{Stage: stage, Have: p.Have, Want: p.Want, Missing: p.Missing, Waited: time.Since(h.since)}
	nodes := h.placed
	if h.state == gathering {
		nodes, missing.Refused = h.place(), h.problem
	}
	for _, m := range nodes {
		if h.state == gathering || m.ready && !m.gone {
			missing.Here = append(missing.Here, m.public())
		}
	}
	return missing
}

// markReady counts a node as ready, and lets all go if it is the last. It is
// called with mu held.
func (h *Head) markReady(m *member) {
	if h.state == going && m.late && !m.ready {
		m.ready = true
		m.sess.out.send(bare(kindGo))
		h.log.Info("node is ready in the run that is going", zap.Stringer("node", m.node))
		return
	}
	if h.state != agreed || m.ready {
		return
	}
	m.ready = true
	h.unready--
	h.touch()
	if h.unready > 0 || h.lost != nil {
		return
	}
	h.sendAll(bare(kindGo))
	h.enter(going, h.goingC)
	h.log.Info("all nodes are ready", zap.Duration("after", time.Since(h.began)))
}

// hear takes one message of a member.
func (h *Head) hear(m *member, msg message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	here := h.state != ended && !m.gone
	running := here && h.state != gathering
	switch {
	case msg.Type == kindAck && h.state == ended && !m.gone && !m.acked:
		m.acked = true
		h.settle()
		m.sess.finish()
	case here && msg.Type == kindStop:
		h.log.Info("node was told to stop", zap.Stringer("node", m.node), zap.Stringer("signal", msg.Signal))
		if h.roomForEvents(1) {
			h.events <- Stopped{m.public(), msg.Signal}
		}
	case here && msg.Type == kindPong:
		m.pongs = min(m.pongs+1, m.pings)
		h.tryAgree()
	case !running:
	case msg.Type == kindReady:
		h.markReady(m)
	case msg.Type == kindFail && !m.fail:
		m.fail = true
		o := *msg.Outcome
		o.Rank, o.Node = m.node.Rank, m.node.Name
		h.log.Warn("node reports a failure", zap.Stringer("node", m.node), zap.Int("code", o.Code),
			zap.String("cause", o.Cause))
		h.events <- Failed{o}
	case msg.Type == kindDone && !m.fail:
		m.fail = true
		h.log.Debug("node is done", zap.Stringer("node", m.node))
		h.events <- Done{m.public()}
	}
}

// dropped takes note that a member's session is over.
func (h *Head) dropped(m *member, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.gone || h.closed {
		return
	}
	h.drop(m, m.sess.loss(err, h.self.node))
}

// drop is dropped with mu held.
func (h *Head) drop(m *member, reason string) {
	m.gone = true
	switch {
	case h.state == gathering:
		delete(h.members, m.id)
		h.log.Warn("node left while others are waited for", zap.Stringer("node", m.node),
			zap.String("reason", reason), zap.Int("have", len(h.members)+1), zap.Int("want", h.cfg.Nodes))
		h.touch()
		h.tryAgree() // without the doubt whether it lives
	case h.state == ended && m.acked:
	case h.state == ended:
		h.log.Warn("node left without acknowledging the outcome", zap.Stringer("node", m.node),
			zap.String("reason", reason))
		h.settle()
	default:
		h.log.Error("node lost", zap.Stringer("node", m.node), zap.String("reason", reason))
		if h.state == agreed && h.lost == nil {
			h.lost = &LostError{m.public(), reason}
			close(h.firstLostC)
		}
		h.events <- Lost{m.public(), reason}
		h.roster.Nodes[m.node.Rank].Gone = true
		h.alter(m.node.Rank)
	}
}
