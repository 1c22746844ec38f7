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

func TestHundredsOfWorkers(t *testing.T) {
	noLeaks(t)
	const nodes = 201
	s := tcp(t)
	cfg := s.head(nodes)
	cfg.UniqueAddrs = true
	cfg.LostAfter = time.Minute // what this machine is busy with must not count
	r := agree(t, cfg, s.many(nodes-1)...)
	for i, w := range r.workers {
		if !reflect.DeepEqual(w.Roster(), r.roster) {
			t.Fatalf("%s has another roster", w.Roster().Nodes[i+1])
		}
		if got := r.roster.Nodes[i+1]; got.Addr != loopback(i+1) {
			t.Fatalf("rank %d is %s", i+1, got)
		}
	}
	r.ready(t)
	if silent := r.head.Finish(t.Context(), theEnd); silent != nil {
		t.Errorf("did not acknowledge: %v", silent)
	}
	for _, w := range r.workers {
		if got := <-w.Outcome(); !reflect.DeepEqual(got, theEnd) {
			t.Fatalf("outcome %+v", got)
		}
	}
	r.close(t)
}
