package rendezvous

import (
	"fmt"
	"reflect"
	"syscall"
	"testing"
	"time"
)

// TestFourThousandNodes has as many real sessions as a head is meant for, over
// loopback TLS, all in this process, and wants their memory, what the last join
// costs and what beats cost to stay within bounds.
func TestFourThousandNodes(t *testing.T) {
	noLeaks(t)
	const (
		atOnce = 64        // join at one time
		each   = 100 << 10 // bytes a node, both ends together
	)
	files(t, 2*mostNodes+100)
	s := tcp(t)
	meter := &meter{Listener: s.listener}
	cfg := s.head(mostNodes)
	cfg.Listener, cfg.UniqueAddrs = meter, true
	cfg.LostAfter = time.Minute // of which what this machine is busy with has three quarters
	before := memory()
	h := startHead(t, cfg)
	workers := s.many(mostNodes - 1)
	joins := make(chan joined, len(workers))
	enter := func(w WorkerConfig) {
		j := <-start(t.Context(), w)
		if j.err == nil {
			j.err = j.forget(w.Self.Name)
		}
		joins <- j
	}
	for i, w := range workers[1:] {
		go enter(w)
		awaitMembers(t, h, i-atOnce) // on a busy machine all at once are too many for 10 s
	}
	awaitMembers(t, h, mostNodes-2)
	waiting := (memory() - before) / mostNodes

	agreed := meter.lastJoin(t, mostNodes)
	go enter(workers[0])
	gather(t, h)
	r := &run{head: h}
	for range workers {
		j := <-joins
		if j.err != nil {
			t.Fatal(j.err)
		}
		r.workers = append(r.workers, j.Worker)
	}
	agreed()
	r.ready(t)
	beats(t, r, meter)
	going := (memory() - before) / mostNodes
	for _, bytes := range []int64{waiting, going} {
		if bytes > each {
			t.Errorf("a node costs %d bytes, want at most %d", bytes, each)
		}
	}
	t.Logf("%d nodes: %d bytes each while others are waited for, %d in the run", mostNodes, waiting, going)
	finish(t, r.head, theEnd)
	for _, w := range r.workers {
		if got := <-w.Outcome(); !reflect.DeepEqual(got, theEnd) {
			t.Fatalf("outcome %+v", got)
		}
	}
	r.close(t)
}

// beats has every node send one, and wants a beat to be one read or one write of
// the head. It logs the CPU time that one each way costs a side.
func beats(t *testing.T, r *run, meter *meter) {
	t.Helper()
	nodes := int64(len(r.workers))
	began, in, out := cpuTime(t), meter.in.reading(), meter.out.reading()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for meter.in.since(in).bytes < nodes*beatRecord {
		select {
		case e := <-r.head.Events():
			t.Fatalf("%T while they beat: %+v", e, e)
		case <-tick.C:
		}
	}
	// A session is the same on both ends, so half of the time is the head's.
	t.Logf("a beat each way costs a side %s", (cpuTime(t)-began)/2/time.Duration(nodes))
	for what, s := range map[string]reading{"read": meter.in.since(in), "wrote": meter.out.since(out)} {
		// What came before may be counted late.
		if beats := s.bytes / beatRecord; s.calls > beats+beats/50 {
			t.Errorf("the head %s %d times for %d beats", what, s.calls, beats)
		}
	}
}

// forget looks at a worker's roster and lets it go: it is on a host of its own that
// 4,096 nodes have 4,096 rosters.
func (j joined) forget(name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if have := len(j.roster.Nodes); have != mostNodes {
		return fmt.Errorf("%s has a roster of %d", name, have)
	}
	if own := j.roster.Nodes[j.rank].Name; own != name {
		return fmt.Errorf("%s has the rank of %s", name, own)
	}
	j.roster = Roster{}
	return nil
}

// beatRecord is how long a beat is on the wire: a TLS record's head, the frame,
// its type and its tag.
var beatRecord = int64(5 + len(bare(kindBeat)) + 1 + 16)

// files fails the test if this process can't have so many open.
func files(t *testing.T, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < n { // Go has raised it to the hard limit
		t.Fatalf("needs %d file descriptors, the limit is %d: ulimit -Hn", n, limit.Cur)
	}
}
