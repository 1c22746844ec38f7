package rendezvous

import (
	"container/list"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxVisitors = 4096     // connections that may be unproven at one time
	maxUnproven = 16 << 10 // bytes that are read of each
	// patience is what a visitor has while others wait for its place. A proof
	// takes milliseconds.
	patience = time.Second
)

var errTalkative = nonsense("too much for one that has proven nothing")

// visitor is a connection that has proven nothing, or has not been taken in.
type visitor struct {
	net.Conn
	place *list.Element
	since time.Time
	left  atomic.Int64 // bytes that may still be read
	known bool         // proven: read freely
}

// Read refuses to go on once an unproven peer has sent too much.
func (v *visitor) Read(p []byte) (int, error) {
	if v.known {
		return v.Conn.Read(p)
	}
	left := v.left.Load()
	if left == 0 {
		return 0, errTalkative
	}
	n, err := v.Conn.Read(p[:min(len(p), int(left))])
	v.left.Add(-int64(n))
	return n, err
}

// door bounds what those can cost that have proven nothing: how many there
// are, and through [visitor] what each may send. When it is full, newcomers
// wait in the listener's queue until the oldest visitor has had its patience.
type door struct {
	places chan struct{}

	mu       sync.Mutex
	visitors list.List // of *visitor, oldest first
}

func newDoor() *door { return &door{places: make(chan struct{}, maxVisitors)} }

// enter waits for a place. It does not wait long: visitors leave, or have had
// their patience, or are hung up on by clear.
func (d *door) enter(conn net.Conn) *visitor {
	for {
		select {
		case d.places <- struct{}{}:
			return d.add(conn)
		default:
		}
		full := time.NewTimer(d.patienceLeft())
		select {
		case d.places <- struct{}{}:
			full.Stop()
			return d.add(conn)
		case <-full.C:
			d.evict()
		}
	}
}

func (d *door) add(conn net.Conn) *visitor {
	v := &visitor{Conn: conn, since: time.Now()}
	v.left.Store(maxUnproven)
	d.mu.Lock()
	defer d.mu.Unlock()
	v.place = d.visitors.PushBack(v)
	return v
}

// leave frees the visitor's place. It reports false if it had none any more.
func (d *door) leave(v *visitor) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.free(v)
}

// free is leave with mu held.
func (d *door) free(v *visitor) bool {
	if v.place == nil {
		return false
	}
	d.visitors.Remove(v.place)
	v.place = nil
	<-d.places
	return true
}

// patienceLeft is how long the oldest visitor may stay when others wait.
func (d *door) patienceLeft() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if oldest := d.visitors.Front(); oldest != nil {
		return max(0, patience-time.Since(oldest.Value.(*visitor).since))
	}
	return patience
}

// evict hangs up on the oldest visitor, and frees its place, if its patience
// is over.
func (d *door) evict() {
	d.mu.Lock()
	defer d.mu.Unlock()
	oldest := d.visitors.Front()
	if oldest == nil {
		return
	}
	if v := oldest.Value.(*visitor); time.Since(v.since) >= patience {
		_ = v.Close()
		d.free(v)
	}
}

// clear hangs up on everyone.
func (d *door) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for e := d.visitors.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*visitor).Close()
	}
}
