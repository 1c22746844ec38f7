package rendezvous

import (
	"fmt"
	"syscall"
)

// Spread passes on to every worker, once the run is agreed, that the run is told
// to stop by a signal; see [Worker.Stops].
func (h *Head) Spread(sig syscall.Signal) error {
	frame, err := encode(message{Type: kindStop, Signal: sig})
	if err != nil {
		return fmt.Errorf("pass a stop on: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == agreed || h.state == going {
		h.sendAll(frame)
	}
	return nil
}

// Stops gives each signal that the head has passed on by [Head.Spread]. One that
// finds maxStopped others unread is dropped.
func (w *Worker) Stops() <-chan syscall.Signal { return w.stopsC }

// stopped takes note of a stop that the head passes on.
func (w *Worker) stopped(sig syscall.Signal) {
	select {
	case w.stopsC <- sig:
	default:
	}
}

// Done tells the head that this node's part of the run has ended well. It stays
// in the run until the outcome.
func (w *Worker) Done() error {
	if err := w.send(bare(kindDone)); err != nil {
		return fmt.Errorf("tell the head that this node is done: %w", err)
	}
	return nil
}
