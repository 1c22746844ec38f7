package rendezvous

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	simSeeds = flag.Int("sim.seeds", simDefault, "how many simulated runs")
	simFirst = flag.Uint64("sim.seed", 1, "the first one's seed")
)

// TestSimulation has heads and workers meet over a network that loses, delays,
// cuts and resets, with processes that are killed and hosts that lose power, on
// a virtual clock. Everything comes from the seed:
//
//	go test ./rendezvous -run TestSimulation -sim.seed=42 -sim.seeds=1 -v
func TestSimulation(t *testing.T) {
	seen := make(map[string]int)
	for i := range uint64(*simSeeds) {
		seed := *simFirst + i
		s := simulate(t, seed)
		for _, n := range s.nodes {
			seen[n.ending()]++
			if !n.told.IsZero() && n.rank == NoRank {
				seen["told to stop while gathering"]++
			}
		}
		if *simSeeds == 1 {
			t.Logf("%s\n%s", s.plan, s.history())
		}
	}
	// A simulation in which nothing happens would find nothing.
	for _, ending := range []string{"outcome 0", "outcome 3", "outcome 69", "refused", "missing", "unreachable", "killed", "told to stop while gathering"} {
		if *simSeeds >= 1000 && seen[ending] == 0 {
			t.Errorf("no node ever ended with %q: %v", ending, seen)
		}
	}
	t.Logf("how the runs of seeds %d to %d ended for their nodes: %v", *simFirst, *simFirst+uint64(*simSeeds)-1, seen)
}

// TestSimulationRepeats wants the same seed to have the same history.
func TestSimulationRepeats(t *testing.T) {
	for seed := range uint64(20) {
		one, two := simulate(t, seed).history(), simulate(t, seed).history()
		if one != two {
			t.Fatalf("seed %d: first\n%s\nthen\n%s", seed, one, two)
		}
	}
}

// simulation is one run of the simulation.
type simulation struct {
	plan  *simPlan
	net   *simNet
	began time.Time

	mu    sync.Mutex
	nodes []*simNode // the head first
	lines []string
}

// simNode is a node's program, and what became of it.
type simNode struct {
	name   string
	addr   netip.Addr
	worker simWorker
	life   context.Context
	die    context.CancelFunc
	killed bool
	ended  time.Time // zero if it was killed
	told   time.Time // to stop, when the head was there to be asked; else zero

	roster  Roster
	rank    int
	outcome *Outcome
	err     error
	silent  []Node // the head's: who did not acknowledge
	lost    map[string]int
}

func (n *simNode) ending() string {
	var refused *RefusedError
	var missing *MissingError
	var unreachable *UnreachableError
	switch {
	case n.killed:
		return "killed"
	case n.outcome != nil:
		return fmt.Sprintf("outcome %d", n.outcome.Code)
	case errors.As(n.err, &refused):
		return "refused"
	case errors.As(n.err, &missing):
		return "missing"
	case errors.As(n.err, &unreachable):
		return "unreachable"
	}
	return fmt.Sprintf("error %v", n.err)
}

func (s *simulation) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf("%15.9f ", time.Since(s.began).Seconds())+fmt.Sprintf(format, args...))
}

// history is what happened, in order.
func (s *simulation) history() string {
	slices.Sort(s.lines) // within an instant the order is nobody's
	return strings.Join(s.lines, "\n")
}

func simulate(t *testing.T, seed uint64) *simulation {
	t.Helper()
	s := &simulation{plan: newSimPlan(seed), net: newSimNet(seed)}
	fine := false
	defer func() { // also when it panics, as a bubble does whose goroutines hang
		if !fine {
			t.Logf("seed %d failed; run it alone with: go test ./rendezvous -run %s -sim.seed=%d -sim.seeds=1 -v\n%s\n%s",
				seed, t.Name(), seed, s.plan, s.history())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		s.began = time.Now()
		var wg sync.WaitGroup
		head := s.node("head", simHead, simWorker{})
		wg.Go(func() { s.head(t, head) })
		for _, w := range s.plan.workers {
			n := s.node(w.name, w.addr, w)
			wg.Go(func() { s.worker(n) })
		}
		for _, f := range s.plan.faults {
			time.AfterFunc(f.at, func() {
				s.say("fault: %s", f)
				f.apply(s.net, s.kill)
			})
		}
		wg.Wait()
		s.check(t)
	})
	fine = !t.Failed()
	return s
}

func (s *simulation) node(name string, addr netip.Addr, w simWorker) *simNode {
	n := &simNode{name: name, addr: addr, worker: w, rank: NoRank, lost: make(map[string]int)}
	n.life, n.die = context.WithCancel(context.Background())
	s.nodes = append(s.nodes, n)
	return n
}

// kill ends what runs on a host, as SIGKILL does: the system closes its
// connections.
func (s *simulation) kill(host netip.Addr) {
	s.net.kill(host, func() {
		for _, n := range s.nodes {
			if n.addr == host && n.ended.IsZero() {
				n.killed = true
				n.die()
			}
		}
	})
}

// over takes note of a program's end.
func (s *simulation) over(n *simNode) {
	n.die()
	s.mu.Lock()
	if !n.killed {
		n.ended = time.Now()
	}
	s.mu.Unlock()
	s.say("%s ends: %s", n.name, n.ending())
}

// head is the program of the head's node.
func (s *simulation) head(t *testing.T, n *simNode) {
	defer s.over(n)
	pause(n.life, s.plan.begins)
	if n.life.Err() != nil {
		return
	}
	h, err := NewHead(HeadConfig{
		Listener: s.net.listen(simHead), Secret: secret, Nodes: s.plan.nodes, LostAfter: s.plan.lostAfter, UniqueAddrs: s.plan.unique,
		Self: Node{Name: "head", Addr: simHead, Rank: NoRank, Match: []Match{{Name: "it", Value: "1"}}},
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = h.Close() }()
	o := s.lead(n, h)
	if n.killed {
		return
	}
	n.outcome = &o
	ctx, cancel := context.WithTimeout(n.life, s.plan.lostAfter)
	defer cancel()
	n.silent = h.Finish(ctx, o)
	s.say("head: %d did not acknowledge", len(n.silent))
}

// stopped is an outcome that ends a run in whatever state it is.
type stopped struct{ Outcome }

func (stopped) Error() string { return "stopped" }

// watch has a node that is told to stop cancel what it returns first, and what
// else happens in the channel.
func (n *simNode) watch(h *Head) (context.Context, <-chan Event) {
	life, stop := context.WithCancelCause(n.life)
	others := make(chan Event, cap(h.events))
	go func() {
		for e := range h.Events() {
			if e, ok := e.(Stopped); ok {
				stop(stopped{Outcome{Code: 128 + int(e.Signal), Node: e.Node.Name, Cause: "stopped"}})
				continue
			}
			others <- e
		}
		stop(nil)
	}()
	return life, others
}

// lead brings the run to its outcome.
func (s *simulation) lead(n *simNode, h *Head) Outcome {
	life, events := n.watch(h)
	failed := func(err error) Outcome {
		if stop, ok := errors.AsType[stopped](context.Cause(life)); ok {
			return stop.Outcome
		}
		return Outcome{Code: codeLost, Node: "head", Cause: err.Error()}
	}
	join, cancel := context.WithTimeout(life, simJoin)
	defer cancel()
	var err error
	if n.roster, err = h.Gather(join); err != nil {
		return failed(err)
	}
	n.rank = 0
	s.say("head has the roster of %d", len(n.roster.Nodes))
	start, cancel := context.WithTimeout(life, simStart)
	defer cancel()
	if err = h.Ready(start); err != nil {
		return failed(err)
	}
	s.say("all are ready")
	job := time.After(s.plan.jobTakes)
	for {
		select {
		case <-life.Done():
			return failed(life.Err())
		case <-job:
			return Outcome{Code: s.plan.jobCode, Rank: 0, Node: "head", Cause: "the job ended"}
		case e := <-events:
			switch e := e.(type) {
			case Lost:
				n.lost[e.Node.Name]++
				return Outcome{Code: codeLost, Rank: e.Node.Rank, Node: e.Node.Name, Cause: "lost " + e.Node.Name}
			case Failed:
				return e.Outcome
			}
		}
	}
}

// worker is the program of any other node.
func (s *simulation) worker(n *simNode) {
	defer s.over(n)
	w := n.worker
	select {
	case <-time.After(w.starts):
	case <-n.life.Done():
		return
	}
	ctx, cancel := context.WithTimeout(n.life, simJoin)
	defer cancel()
	joined, err := Join(ctx, WorkerConfig{
		Dial: func(ctx context.Context) (net.Conn, error) { return s.net.dial(ctx, w.addr, simHead) },
		Head: "head:6378", Secret: w.secret,
		Self:   Node{Name: w.name, Addr: w.addr, Rank: NoRank, Match: []Match{{Name: "it", Value: w.match}}},
		Joined: s.stops(n),
		jitter: s.jitter(w.name),
	})
	if s.ends(n, err) {
		return
	}
	defer func() { _ = joined.Close() }()
	n.roster, n.rank = joined.Roster(), joined.Rank()
	s.say("%s has rank %d", w.name, n.rank)
	if w.reports > 0 && !w.stops {
		time.AfterFunc(w.reports, func() { _ = joined.Fail(Outcome{Code: 75, Cause: "ray died"}) })
	}
	select {
	case <-time.After(w.ready):
	case <-joined.overC:
	case <-n.life.Done():
		return
	}
	start, cancel := context.WithTimeout(n.life, simStart)
	defer cancel()
	if err := joined.Ready(start); err != nil && !errors.As(err, new(*EndedError)) {
		_ = joined.Fail(Outcome{Code: codeLost, Cause: err.Error()})
	}
	select {
	case o := <-joined.Outcome():
		n.outcome = &o
	case <-n.life.Done():
	}
}

// stops has a node that the plan says so be told to stop, some time after the
// head has first taken it in.
func (s *simulation) stops(n *simNode) func(*Worker) {
	if !n.worker.stops {
		return nil
	}
	var mu sync.Mutex
	var now *Worker
	return func(w *Worker) {
		mu.Lock()
		defer mu.Unlock()
		if now == nil {
			time.AfterFunc(n.worker.reports, func() {
				mu.Lock()
				defer mu.Unlock()
				if now.Stop(syscall.SIGTERM) == nil {
					n.told = time.Now()
					s.say("%s is told to stop", n.name)
				}
			})
		}
		now = w
	}
}

// jitter is a node's own chance.
func (s *simulation) jitter(name string) func(time.Duration) time.Duration {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name))
	rng := mathrand.New(mathrand.NewPCG(s.plan.seed, hash.Sum64()))
	return func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }
}

// ends takes what Join returned.
func (s *simulation) ends(n *simNode, err error) bool {
	if ended, ok := errors.AsType[*EndedError](err); ok {
		n.outcome = &ended.Outcome
	}
	n.err = err
	return err != nil
}
