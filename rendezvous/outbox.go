package rendezvous

import "sync"

// maxQueued is how many frames one peer may be behind with. Only a peer that does
// not read while changes or requests to stop go on gets near it.
const maxQueued = 64

// outbox holds the frames that a session has yet to write, so that nobody who
// sends ever waits for a peer.
type outbox struct {
	wake chan struct{} // of 1; written when there may be something to take

	mu     sync.Mutex
	frames [][]byte
	update []byte // a frame of which only the newest counts
	closed bool
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// send queues a frame, which makes an update before it void. It reports false
// if the outbox is closed or full.
func (o *outbox) send(frame []byte) bool {
	o.mu.Lock()
	ok := !o.closed && len(o.frames) < maxQueued
	if ok {
		o.frames, o.update = append(o.frames, frame), nil
	}
	o.mu.Unlock()
	o.poke()
	return ok
}

// replace queues an update in place of the one before, if that still waits.
func (o *outbox) replace(frame []byte) {
	o.mu.Lock()
	o.update = frame
	o.mu.Unlock()
	o.poke()
}

// close ends the outbox: what is queued is still taken.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.poke()
}

func (o *outbox) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take gives the next frame, nil if there is none now; over says that there
// will be none.
func (o *outbox) take() (frame []byte, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.frames) > 0:
		frame = o.frames[0]
		o.frames[0] = nil
		o.frames = o.frames[1:]
	case o.closed:
		return nil, true
	default:
		frame, o.update = o.update, nil
	}
	return frame, false
}
