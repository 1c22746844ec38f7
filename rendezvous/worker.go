package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// Worker is a node's end of its session with the head. [Join] returns it when it
// has the roster.
//
//	          place, roster            go
//	waiting ───────────────▶ agreed ────────▶ going
//	   │                       │                │
//	   │ session over          │ outcome, or session over: head lost
//	   ▼                       ▼                ▼
//	Join tries again         over: the outcome is known ── Close
//
// All methods may be called from any goroutine.
type Worker struct {
	cfg   WorkerConfig
	log   *zap.Logger
	began time.Time // of the waiting
	sess  *session
	done  chan struct{} // the session's goroutines are gone

	agreedC, goingC, overC chan struct{}
	outcomeC               chan Outcome // of 1
	stopsC                 chan syscall.Signal

	rank int // of the session's reader, which is done with it before agreedC is closed

	mu      sync.Mutex
	roster  Roster   // set before agreedC is closed
	heard   Progress // the last that the head told
	outcome *Outcome // nil when over without one
	closing bool
	// headLost says that outcome isn't the head's.
	headLost bool
}

func newWorker(j *joiner, sess *session) *Worker {
	return &Worker{
		cfg: j.cfg, log: j.cfg.Log, began: j.began, sess: sess, done: make(chan struct{}),
		agreedC: make(chan struct{}), goingC: make(chan struct{}), overC: make(chan struct{}),
		outcomeC: make(chan Outcome, 1), stopsC: make(chan syscall.Signal, maxStopped),
		rank: NoRank,
	}
}

// Roster is what the nodes agreed on, with the changes since.
func (w *Worker) Roster() Roster {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.roster
	r.Nodes = slices.Clone(r.Nodes)
	return r
}

// Place is this node's, to have it back in the next run.
func (w *Worker) Place() Place {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Place{RunID: w.roster.RunID, Rank: w.rank}
}

// Rank is this node's index in the roster.
func (w *Worker) Rank() int { return w.rank }

// Outcome gives exactly one value, and is then closed: the head's outcome,
// which it has been told is here, or one with code 69 when the head is lost.
// After Close it may be closed without a value.
func (w *Worker) Outcome() <-chan Outcome { return w.outcomeC }

// HeadLost reports whether the outcome is that the head is lost, and not what
// the head decided. It is right once Outcome has given it.
func (w *Worker) HeadLost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.headLost
}

// Ready says that this node is ready and waits until every node is. It fails
// with an [EndedError] when the run ends first, or with a [MissingError] when
// the context's deadline has passed.
func (w *Worker) Ready(ctx context.Context) error {
	began := time.Now()
	if err := w.send(bare(kindReady)); err != nil {
		return fmt.Errorf("say that this node is ready: %w", err)
	}
	select {
	case <-w.goingC:
		return nil
	case <-w.overC:
		return w.ended()
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("while %s: %w", Starting, context.Cause(ctx))
		}
		return w.missing(Starting, began)
	}
}

// Fail tells the head that this node failed. The head decides what the run's
// outcome is: wait for it on Outcome.
func (w *Worker) Fail(o Outcome) error {
	o = o.trimmed()
	frame, err := encode(message{Type: kindFail, Outcome: &o})
	if err == nil {
		err = w.send(frame)
	}
	if err != nil {
		return fmt.Errorf("tell the head of the failure: %w", err)
	}
	return nil
}

// Stop tells the head that this node was told to stop by a signal, so that the
// head can end the run. Before the roster the [WorkerConfig]'s Joined has the
// Worker for that; Join then fails with the outcome.
func (w *Worker) Stop(sig syscall.Signal) error {
	if sig <= 0 {
		return fmt.Errorf("ask the head to stop: %d is no signal", sig)
	}
	frame, err := encode(message{Type: kindStop, Signal: sig})
	if err == nil {
		err = w.send(frame)
	}
	if err != nil {
		return fmt.Errorf("ask the head to stop: %w", err)
	}
	return nil
}

// Close ends the session: what was sent is still written, within a second. A
// worker that closes before the outcome is lost to the head.
func (w *Worker) Close() error {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	w.sess.finish()
	select {
	case <-w.done:
	case <-time.After(partingTime):
		w.sess.abort(errClosed)
		<-w.done
	}
	return nil
}

func (w *Worker) send(frame []byte) error {
	select {
	case <-w.overC:
		return w.ended()
	default:
	}
	if !w.sess.out.send(frame) {
		return errors.New("the session is closed or the head does not read")
	}
	return nil
}

// ended is why there is nothing to wait for any more, once overC is closed.
func (w *Worker) ended() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.outcome == nil {
		return errClosed
	}
	return &EndedError{*w.outcome}
}
