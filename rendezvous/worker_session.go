package rendezvous

import (
	"fmt"

	"go.uber.org/zap"
)

// run carries the session until it is over.
func (w *Worker) run() {
	defer close(w.done)
	w.lost(w.sess.serve(w.hear))
}

// hear takes one message of the head, in the reader's goroutine.
func (w *Worker) hear(m message) error {
	switch m.Type {
	case kindWait:
		w.waiting(*m.Wait)
	case kindPlace:
		if !w.agreed() {
			w.rank = *m.Rank
		}
	case kindRoster:
		return w.agree(m.Roster)
	case kindChange:
		return w.change(*m.Change)
	case kindGo:
		return w.goAhead()
	case kindPing:
		if !w.sess.out.send(bare(kindPong)) {
			return errBehind
		}
	case kindStop:
		w.stopped(m.Signal)
	case kindOutcome:
		// Before anyone here acts on it, so that a process that exits at once
		// has acknowledged all the same.
		if err := w.sess.put(bare(kindAck), partingTime); err != nil {
			w.log.Warn("cannot acknowledge the outcome", zap.String("reason", lossReason(err, partingTime)))
		}
		w.end(m.Outcome)
	}
	return nil
}

func (w *Worker) waiting(told wait) {
	p := Progress{Stage: told.Stage, Have: told.Have, Want: told.Want, Missing: told.Missing, Since: w.began}
	w.mu.Lock()
	w.heard = p
	w.mu.Unlock()
	w.cfg.Progress(p)
}

func (w *Worker) agreed() bool { return isClosed(w.agreedC) }

func (w *Worker) agree(wire *wireRoster) error {
	if w.agreed() {
		return nonsense("a second roster")
	}
	r, err := wire.roster()
	if err != nil {
		return err
	}
	if w.rank < 1 || w.rank >= len(r.Nodes) {
		return nonsense(fmt.Sprintf("rank %d in a roster of %d nodes", w.rank, len(r.Nodes)))
	}
	w.mu.Lock()
	w.roster = r
	w.mu.Unlock()
	close(w.agreedC)
	return nil
}

// change brings the roster up to date. The same change twice is one.
func (w *Worker) change(c change) error {
	if !w.agreed() {
		return nonsense("a change before the roster")
	}
	w.mu.Lock()
	err := w.roster.change(c)
	w.mu.Unlock()
	if err == nil {
		w.cfg.Changed(w.Roster())
	}
	return err
}

func (w *Worker) goAhead() error {
	if !w.agreed() || isClosed(w.goingC) {
		return nonsense("a go out of turn")
	}
	close(w.goingC)
	return nil
}

// lost takes note that the session is over. If that is news, the head is lost.
func (w *Worker) lost(err error) {
	w.mu.Lock()
	closing := w.closing
	w.mu.Unlock()
	if isClosed(w.overC) {
		return
	}
	if closing || !w.agreed() {
		w.end(nil)
		return
	}
	nodes := w.Roster().Nodes
	head, reason := nodes[0], w.sess.loss(err, nodes[w.rank])
	o := &Outcome{
		Code: codeLost, Rank: head.Rank, Node: head.Name,
		Cause: fmt.Sprintf("lost the head %s: %s", head, reason),
	}
	w.mu.Lock()
	w.headLost = true
	w.mu.Unlock()
	w.log.Error("head lost", zap.Stringer("node", head), zap.String("reason", reason))
	w.end(o)
}

// end makes the outcome known. Only the first counts. It is called in the
// session's own goroutine.
func (w *Worker) end(o *Outcome) {
	if isClosed(w.overC) {
		return
	}
	w.mu.Lock()
	w.outcome = o
	w.mu.Unlock()
	close(w.overC) // first, so that who has read the outcome finds the run over
	if o != nil {
		w.outcomeC <- *o
	}
	close(w.outcomeC)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
