package rendezvous

import (
	"fmt"
	"time"

	"go.uber.org/zap"
)

// tryAgree fixes the roster as soon as all nodes are here, and hands it out.
// It is called with mu held.
func (h *Head) tryAgree() {
	if h.state != gathering || len(h.members)+1 < h.cfg.Nodes || time.Now().Before(h.cfg.NotBefore) || h.inDoubt() {
		return
	}
	if with, all := h.ranked(), len(h.members); with > 0 && with < all {
		h.log.Warn("not every node has a rank from its scheduler: ranks go by address", zap.Int("with", with), zap.Int("without", all-with))
	}
	h.placed = h.place()
	h.unready = len(h.placed)
	for rank, m := range h.placed {
		m.node.Rank = rank
		h.roster.Nodes = append(h.roster.Nodes, m.public())
	}
	h.roster.Payload = h.cfg.Payload
	if h.broken = h.approve(); h.broken == nil {
		h.broken = h.handOut()
	}
	h.enter(agreed, h.agreedC)
	h.log.Info("all nodes are here", zap.String("run", h.roster.RunID),
		zap.String("nodes", named(h.roster.Nodes)), zap.Duration("after", time.Since(h.began)))
}

// handOut queues the roster for every worker. Its frame is one for all, so
// each worker's own rank goes ahead of it. It is called with mu held.
func (h *Head) handOut() error {
	roster, err := encode(message{Type: kindRoster, Roster: h.roster.wire()})
	if err != nil {
		return fmt.Errorf("make the roster: %w", err)
	}
	for rank, m := range h.placed[1:] {
		place, err := encode(message{Type: kindPlace, Rank: new(rank + 1)})
		if err != nil {
			return fmt.Errorf("make the roster: %w", err)
		}
		m.sess.out.send(place)
		m.sess.out.send(roster)
	}
	return nil
}

// enter goes over to another state. It is called with mu held.
func (h *Head) enter(s headState, c chan struct{}) {
	h.state, h.since = s, time.Now()
	close(c)
	h.touch()
}

// hold has the nodes agree when they may.
func (h *Head) hold(wait time.Duration) {
	select {
	case <-time.After(wait):
	case <-h.endedC:
	case <-h.closedC:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.tryAgree()
	}
}
