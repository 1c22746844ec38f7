package rendezvous

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// meter is a listener that counts what passes through its connections, which says
// more of what the head does for a node than its CPU time does: other work on the
// machine changes nothing in it.
type meter struct {
	net.Listener
	in, out traffic
}

// traffic is what went one way.
type traffic struct{ calls, bytes atomic.Int64 }

func (t *traffic) count(n int, err error) (int, error) {
	t.calls.Add(1)
	t.bytes.Add(int64(n))
	return n, err
}

// reading is what has passed at some time.
type reading struct{ calls, bytes int64 }

func (t *traffic) reading() reading { return reading{t.calls.Load(), t.bytes.Load()} }

func (t *traffic) since(r reading) reading {
	return reading{t.calls.Load() - r.calls, t.bytes.Load() - r.bytes}
}

func (m *meter) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	return &metered{conn, m}, err
}

type metered struct {
	net.Conn
	of *meter
}

func (m *metered) Read(p []byte) (int, error)  { return m.of.in.count(m.Conn.Read(p)) }
func (m *metered) Write(p []byte) (int, error) { return m.of.out.count(m.Conn.Write(p)) }

// lastJoin begins to count what the agreement of so many nodes takes. What it
// returns holds against it what the head has written then: to each node a roster,
// and little beside it.
func (m *meter) lastJoin(t *testing.T, nodes int64) func() {
	t.Helper()
	const (
		entry  = 32       // bytes of a roster at most, a node
		beside = 4 << 10  // bytes at most to a node beside it
		record = 16 << 10 // bytes of the largest TLS record, which is one write
		few    = 16       // writes at most to a node beside its roster's
	)
	used, before := cpuTime(t), m.out.reading()
	return func() {
		t.Helper()
		wrote := m.out.since(before)
		calls, bytes := wrote.calls/nodes, wrote.bytes/nodes
		t.Logf("the last join took %s of CPU on all of them; the head wrote %d bytes to each, in %d writes", cpuTime(t)-used, bytes, calls)
		if most := nodes*entry + beside; bytes > most {
			t.Errorf("the head wrote %d bytes to a node, want at most %d", bytes, most)
		}
		if most := nodes*entry/record + few; calls > most {
			t.Errorf("the head wrote %d times to a node, want at most %d", calls, most)
		}
	}
}

// cpuTime is what this process has used so far. It depends on what else the
// machine does, so it is for the log.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
