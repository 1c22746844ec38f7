package rendezvous

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// loopback is a different address of 127.0.0.0/8 for each number.
func loopback(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 0, byte(1 + i>>8), byte(i)})
}

// many are workers' configurations, each with its own address.
func (s *site) many(n int) []WorkerConfig {
	workers := make([]WorkerConfig, n)
	for i := range workers {
		workers[i] = s.worker(fmt.Sprintf("node-%04d", i+1), loopback(i+1).String())
	}
	return workers
}

// TestThousandWorkers has them over loopback TLS, all in this process: what the
// head needs for one, and what the worker does, are measured together.
func TestThousandWorkers(t *testing.T) {
	noLeaks(t)
	const most = 100 << 10 // bytes a node
	s := tcp(t)
	meter := &meter{Listener: s.listener}
	cfg := s.head(scaleNodes)
	cfg.Listener, cfg.UniqueAddrs = meter, true
	cfg.LostAfter = 5 * time.Minute // what this machine is busy with must not count
	before := memory()
	r := &run{head: startHead(t, cfg), workers: make([]*Worker, scaleNodes-1)}
	workers := s.many(scaleNodes - 1)
	var joins []<-chan joined
	for _, w := range workers[1:] {
		joins = append(joins, start(t.Context(), w))
	}
	awaitMembers(t, r.head, scaleNodes-2)
	each := (memory() - before) / scaleNodes
	t.Logf("%d bytes a node while others are waited for", each)
	if each > most {
		t.Errorf("a node costs %d bytes, want at most %d", each, most)
	}
	agreed := meter.lastJoin(t, scaleNodes)
	joins = append(joins, start(t.Context(), workers[0]))
	r.gather(t, joins)
	agreed()
	for i, w := range r.workers {
		if !reflect.DeepEqual(w.Roster(), r.roster) {
			t.Fatalf("%s has another roster", w.Roster().Nodes[i+1])
		}
		if got := r.roster.Nodes[i+1]; got.Addr != loopback(i+1) {
			t.Fatalf("rank %d is %s", i+1, got)
		}
	}
	r.ready(t)
	finish(t, r.head, theEnd)
	for _, w := range r.workers {
		if got := <-w.Outcome(); !reflect.DeepEqual(got, theEnd) {
			t.Fatalf("outcome %+v", got)
		}
	}
	r.close(t)
}
