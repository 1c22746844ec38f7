package rendezvous

import (
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Progress is told at once, but not more often than this. Each time costs the
// head one message a worker, so the more there are the longer it takes.
const (
	tellPause        = 100 * time.Millisecond
	tellPausePerNode = 250 * time.Microsecond
)

// touch has the progress told again. It may be called with mu held.
func (h *Head) touch() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// tell passes progress on, to the caller and to the workers, while there is
// something to wait for, and then what changes in the roster.
func (h *Head) tell() {
	pause := max(tellPause, time.Duration(h.cfg.Nodes)*tellPausePerNode)
	for {
		select {
		case <-h.changed:
			if p, waiting := h.tellWorkers(); waiting {
				h.cfg.Progress(p)
			}
		case <-h.endedC:
			return
		case <-h.closedC:
			return
		}
		select {
		case <-time.After(pause):
		case <-h.endedC:
		case <-h.closedC:
		}
	}
}

func (h *Head) tellWorkers() (p Progress, waiting bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.changes(); c != nil {
		frame, err := encode(message{Type: kindChange, Change: c})
		if err != nil {
			h.log.Error("cannot tell the workers of a change", zap.Error(err))
		} else {
			h.sendAll(frame)
		}
	}
	if h.state != gathering && h.state != agreed {
		return p, false
	}
	p = h.progress()
	frame, err := encode(message{Type: kindWait, Wait: &wait{
		Stage: p.Stage, Have: p.Have, Want: p.Want, Missing: p.Missing,
	}})
	if err == nil { // if not: no run depends on it
		for _, m := range h.members {
			m.sess.out.replace(frame)
		}
	}
	return p, true
}

// progress is how far the waiting is now. It is called with mu held.
func (h *Head) progress() Progress {
	p := Progress{Stage: Gathering, Want: h.cfg.Nodes, Problem: h.problem, Since: h.since}
	if h.state == gathering {
		p.Have, p.Missing = len(h.members)+1, h.missing()
	} else {
		p.Stage, p.Have, p.Missing = Starting, len(h.placed)-h.unready, h.unreadyNames()
	}
	return p
}

// missing names nodes that have not joined: by the names that a scheduler
// gave, or by their ranks if those that are here have one.
func (h *Head) missing() []string {
	ranked := len(h.members) > 0
	ranks, words := map[int]bool{0: true}, map[string]bool{h.self.node.Name: true}
	for _, m := range h.members {
		ranks[m.node.Rank], words[m.node.Name] = true, true
		ranked = ranked && m.node.Rank != NoRank
	}
	if !ranked && h.cfg.Names == nil {
		return nil
	}
	var names []string
	for rank := 1; rank < h.cfg.Nodes && len(names) < namesInTexts; rank++ {
		switch {
		case ranks[rank]:
		case rank >= len(h.cfg.Names):
			names = append(names, fmt.Sprintf("rank %d", rank))
		case !words[h.cfg.Names[rank]]:
			names = append(names, h.cfg.Names[rank])
		}
	}
	return names
}

func (h *Head) unreadyNames() []string {
	var names []string
	for _, m := range h.placed {
		if !m.ready && len(names) < namesInTexts {
			names = append(names, m.node.String())
		}
	}
	return names
}
