package rendezvous

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	maxVisitors = 4096     // connections that may be unproven at one time
	maxUnproven = 16 << 10 // bytes that are read of each
	// patience is what a visitor has while others wait for its place. A proof
	// takes milliseconds.
	patience = 500 * time.Millisecond
	// crowd is how many visitors of one host have no patience to expect: the
	// oldest of them makes room at once, so that a single host that fills the
	// door holds nobody else up.
	crowd = 64
)

var errTalkative = nonsense("too much for one that has proven nothing")

// visitor is a connection that has proven nothing, or has not been taken in.
type visitor struct {
	net.Conn
	place *list.Element // among all; nil: it has none any more
	among *list.Element // among those of its host
	from  netip.Prefix  // its host, as far as that can be told
	since time.Time
	left  int  // bytes that may still be read
	known bool // proven: read freely
}

// Read refuses to go on once an unproven peer has sent too much.
func (v *visitor) Read(p []byte) (int, error) {
	if v.known {
		return v.Conn.Read(p)
	}
	if v.left == 0 {
		return 0, errTalkative
	}
	n, err := v.Conn.Read(p[:min(len(p), v.left)])
	v.left -= n
	return n, err
}

// door bounds what those can cost that have proven nothing: how many there
// are, and through [visitor] what each may send. When it is full, the oldest of
// the host with the most visitors makes room for a newcomer; if no host has a
// crowd, newcomers wait in the listener's queue until the oldest visitor of all
// has had its patience.
type door struct {
	places chan struct{}

	mu       sync.Mutex
	visitors list.List                   // of *visitor, oldest first
	hosts    map[netip.Prefix]*list.List // the same by host
}

func newDoor() *door {
	return &door{places: make(chan struct{}, maxVisitors), hosts: make(map[netip.Prefix]*list.List)}
}

// hostOf is whom a visitor counts for: an IPv4 address, or an IPv6 network of
// the size that one host gets.
func hostOf(conn net.Conn) netip.Prefix {
	addr := addrOf(conn.RemoteAddr())
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	host, _ := addr.Prefix(bits) // the zero one for what has no address
	return host
}

// enter waits for a place. It does not wait long: visitors leave, or have had
// their patience, or are hung up on by clear.
func (d *door) enter(conn net.Conn) *visitor {
	for {
		select {
		case d.places <- struct{}{}:
			return d.add(conn)
		default:
		}
		if d.thin() {
			continue
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
	v := &visitor{Conn: conn, from: hostOf(conn), since: time.Now(), left: maxUnproven}
	d.mu.Lock()
	defer d.mu.Unlock()
	v.place = d.visitors.PushBack(v)
	host := d.hosts[v.from]
	if host == nil {
		host = list.New()
		d.hosts[v.from] = host
	}
	v.among = host.PushBack(v)
	return v
}

// thin hangs up on the oldest visitor of the largest crowd. It reports false if
// there is none.
func (d *door) thin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	var most *list.List
	for _, host := range d.hosts {
		if host.Len() >= crowd && (most == nil || host.Len() > most.Len()) {
			most = host
		}
	}
	if most == nil {
		return false
	}
	v := most.Front().Value.(*visitor)
	_ = v.Close()
	d.free(v)
	return true
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
	host := d.hosts[v.from]
	host.Remove(v.among)
	if host.Len() == 0 {
		delete(d.hosts, v.from)
	}
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
