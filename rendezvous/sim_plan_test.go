package rendezvous

import (
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"time"
)

// Times of a simulated run. A node's program has them from the same settings
// everywhere.
const (
	simJoin  = 90 * time.Second // JOIN_TIMEOUT
	simStart = 60 * time.Second // START_TIMEOUT
)

// simPlan is all that a simulated run will meet. It is made from the seed
// before anything starts.
type simPlan struct {
	seed      uint64
	lostAfter time.Duration
	unique    bool // no two nodes on one address
	nodes     int
	begins    time.Duration // the head
	workers   []simWorker
	jobTakes  time.Duration
	jobCode   int
	faults    []simFault
}

// String has a line for each worker and each fault.
func (p *simPlan) String() string {
	text := fmt.Sprintf("%d nodes, addresses unique %t, lost after %s, the head starts after %s, the job ends with %d after %s\n",
		p.nodes, p.unique, p.lostAfter, p.begins, p.jobCode, p.jobTakes)
	for _, w := range p.workers {
		text += fmt.Sprintf("  %s at %s starts after %s, is ready after %s, reports after %s\n", w.name, w.addr, w.starts, w.ready, w.reports)
	}
	for _, f := range p.faults {
		text += fmt.Sprintf("  fault: %s\n", f)
	}
	return text
}

// simWorker is one worker of the plan, or one that wants to be.
type simWorker struct {
	name    string
	addr    netip.Addr
	secret  []byte
	match   string
	starts  time.Duration
	ready   time.Duration // after the roster
	reports time.Duration // after the roster, that it failed; never if 0
	stops   bool          // in place of that it is told to stop, so long after it was first taken in
	refused bool          // must be
}

// simFault is one thing that goes wrong with one host.
type simFault struct {
	at, lasts time.Duration
	host      netip.Addr
	kind      string
	amount    float64
}

func (f simFault) String() string {
	return fmt.Sprintf("%s of %s at %s for %s (%.2f)", f.kind, f.host, f.at, f.lasts, f.amount)
}

// simFaults are the kinds, with weights.
var simFaults = []string{
	"cut", "cut", "cut out", "cut in", "loss", "loss", "delay", "reset", "reset", "flap", "kill", "power", "gone for good",
}

var simHead = netip.MustParseAddr("10.0.0.1")

func simAddr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(1 + i/200), byte(1 + i%200)})
}

func between(rng *mathrand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

func newSimPlan(seed uint64) *simPlan {
	rng := mathrand.New(mathrand.NewPCG(seed, 0x73796d))
	p := &simPlan{seed: seed, lostAfter: between(rng, 2*time.Second, 10*time.Second)}
	switch die := rng.IntN(40); {
	case die < 30:
		p.nodes = 2 + rng.IntN(4)
	case die < 39:
		p.nodes = 6 + rng.IntN(7)
	default:
		p.nodes = 13 + rng.IntN(30)
	}
	spread := between(rng, time.Millisecond, 30*time.Second)
	for i := range p.nodes - 1 {
		p.workers = append(p.workers, p.honest(rng, i, spread))
	}
	if rng.IntN(3) == 0 {
		p.workers = append(p.workers, p.intruder(rng, spread))
	}
	if rng.IntN(12) == 0 && len(p.workers) > 1 {
		p.workers[0].starts = time.Hour // it never comes
		p.begins = spread / 2           // so that others have waited for longer than the head
	}
	p.jobTakes = between(rng, 0, time.Minute)
	p.jobCode = []int{0, 0, 3, 143}[rng.IntN(4)]
	if rng.IntN(4) == 0 {
		w := &p.workers[rng.IntN(len(p.workers))]
		w.reports, w.stops = between(rng, time.Second, 2*time.Minute), rng.IntN(2) == 0
		if w.stops && rng.IntN(2) == 0 {
			w.reports /= 10 // others may still be on their way
		}
	}
	for range []int{0, 0, 1, 1, 2, 3, 6}[rng.IntN(7)] {
		p.faults = append(p.faults, p.fault(rng))
	}
	p.unique = rng.IntN(2) == 0
	return p
}

func (p *simPlan) honest(rng *mathrand.Rand, i int, spread time.Duration) simWorker {
	return simWorker{
		name: fmt.Sprintf("n%02d", i+1), addr: simAddr(i), secret: secret, match: "1",
		starts: between(rng, 0, spread), ready: between(rng, 0, 5*time.Second),
	}
}

// intruder is a worker that must not become part of the run, but for one kind:
// of a node too many, which one that is goes by who comes first.
func (p *simPlan) intruder(rng *mathrand.Rand, spread time.Duration) simWorker {
	w := p.honest(rng, len(p.workers), spread)
	switch rng.IntN(3) {
	case 0:
		w.secret, w.refused = []byte("some other secret"), true
	case 1:
		w.match, w.refused = "2", true
	case 2:
		w.addr = p.workers[0].addr // and another name
	}
	w.name = "intruder"
	return w
}

func (p *simPlan) fault(rng *mathrand.Rand) simFault {
	f := simFault{
		at: between(rng, 0, 90*time.Second), lasts: between(rng, 50*time.Millisecond, 15*time.Second),
		host: simHead, kind: simFaults[rng.IntN(len(simFaults))], amount: rng.Float64(),
	}
	if rng.IntN(4) > 0 {
		f.host = p.workers[rng.IntN(len(p.workers))].addr
	}
	return f
}

// spared reports that no fault has to do with a host, nor with the head.
func (p *simPlan) spared(host netip.Addr) bool {
	for _, f := range p.faults {
		if f.host == host || f.host == simHead {
			return false
		}
	}
	return true
}

// apply has a fault happen, and end.
func (f simFault) apply(n *simNet, kill func(netip.Addr)) {
	now := time.Now()
	until := now.Add(f.lasts)
	switch f.kind {
	case "cut":
		n.change(f.host, func(h *simHost) { h.in.cut, h.out.cut = until, until })
	case "cut out":
		n.change(f.host, func(h *simHost) { h.out.cut = until })
	case "cut in":
		n.change(f.host, func(h *simHost) { h.in.cut = until })
	case "gone for good":
		n.change(f.host, func(h *simHost) { h.in.cut, h.out.cut = never, never })
	case "loss":
		f.whileItLasts(n, func(w *simWay, on float64) { w.loss = on * f.amount * 0.6 })
	case "delay":
		f.whileItLasts(n, func(w *simWay, on float64) {
			w.delay = time.Duration(on * f.amount * float64(1500*time.Millisecond))
		})
	case "reset":
		n.resetAll(f.host)
	case "flap":
		for i := range 5 {
			time.AfterFunc(time.Duration(i)*f.lasts/5, func() {
				n.change(f.host, func(h *simHost) { h.in.cut = time.Now().Add(f.lasts / 10) })
			})
		}
	case "kill":
		kill(f.host)
	case "power":
		n.change(f.host, func(h *simHost) { h.down = true })
		kill(f.host)
		time.AfterFunc(f.lasts, func() {
			n.change(f.host, func(h *simHost) { h.down = false })
			if f.amount < 0.5 { // else it says so only to who sends something
				n.resetAll(f.host)
			}
		})
	}
}

func (f simFault) whileItLasts(n *simNet, set func(w *simWay, on float64)) {
	for on, after := range []time.Duration{f.lasts, 0} {
		time.AfterFunc(after, func() {
			n.change(f.host, func(h *simHost) {
				set(&h.in, float64(on))
				set(&h.out, float64(on))
			})
		})
	}
}
