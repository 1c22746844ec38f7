package rendezvous

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Times of a simulated cluster.
const (
	simStorm = 2 * time.Minute        // faults begin no later
	simCalm  = simStorm + time.Minute // all faults are over, the longest and all that they delayed
	simRuns  = simCalm + time.Minute  // everything runs by then
	simOver  = simRuns + time.Minute  // the job ends, with 0
	simHeld  = 10 * time.Second       // that places of the run before are held
)

// TestSimulationOfRestarts has clusters whose runs are gathered again after
// whatever happens, with containers that are started again when they are killed.
// When nothing happens any more the job must run on all nodes, and its end must
// reach all. It is told apart and rerun as [TestSimulation] is.
func TestSimulationOfRestarts(t *testing.T) {
	runs, losses := 0, 0
	for i := range uint64(*simSeeds) / 3 {
		c := simulateRestarts(t, *simFirst+i)
		runs += len(c.rosters)
		losses += c.tolerated
	}
	if *simSeeds <= 3 {
		c := simulateRestarts(t, *simFirst)
		t.Log("\n" + c.history())
	}
	t.Logf("%d clusters from seed %d on had %d runs and %d losses that they survived", *simSeeds/3, *simFirst, runs, losses)
	if *simSeeds >= 300 && (runs < *simSeeds/3 || losses == 0) {
		t.Error("that is hardly any")
	}
}

// cluster is hosts with a container each, that an engine starts again.
type cluster struct {
	simulation
	rng       *mathrand.Rand
	nodes     int // that a run needs
	most      int // that it may have
	lostAfter time.Duration
	rejoin    bool // ON_LOSS=ignore
	unique    bool // no two nodes on one address
	faults    []simFault
	hosts     []*simContainer // the head's first; at the end a spare one, if there is one
	rosters   []Roster        // of the head's runs
	tolerated int
	restless  []string  // nodes lost when all faults were over
	before    string    // the run of which the head holds the places now
	held      time.Time // until then
	robbed    []string  // nodes that lost their place all the same
	final     *Outcome  // the head's, of its job
	now       map[string]string
}

// simContainer is a container and what it ended with.
type simContainer struct {
	name    string
	addr    netip.Addr
	begun   bool
	first   Place // the place that it is told to ask for at first, so that ranks aren't by address
	chance  *mathrand.Rand
	die     context.CancelFunc
	outcome *Outcome
	refused bool           // last
	places  map[string]int // rank by run
}

func newCluster(seed uint64) *cluster {
	rng := mathrand.New(mathrand.NewPCG(seed, 0x616761696e))
	c := &cluster{
		rng: rng, nodes: 2 + rng.IntN(5), rejoin: rng.IntN(2) == 0, lostAfter: between(rng, 2*time.Second, 10*time.Second),
		now: make(map[string]string),
	}
	c.plan, c.net, c.most = &simPlan{seed: seed}, newSimNet(seed), c.nodes
	ranks, hosts := rng.Perm(c.nodes-1), c.nodes
	switch rng.IntN(6) {
	case 0, 1:
		hosts++ // a node too many
	case 2:
		hosts, c.most = hosts+1, hosts+1
	}
	c.unique = rng.IntN(2) == 0
	for i := range hosts {
		h := &simContainer{name: "head", addr: simHead, places: make(map[string]int), chance: mathrand.New(mathrand.NewPCG(seed, uint64(i)))}
		switch {
		case i == c.nodes:
			h.name, h.addr = "spare", simAddr(i)
		case i > 0:
			h.name, h.addr, h.first = fmt.Sprintf("n%02d", i), simAddr(i), Place{"BEFORE", 1 + ranks[i-1]}
		}
		c.hosts = append(c.hosts, h)
	}
	for range 1 + rng.IntN(8) {
		f := simFault{
			at: between(rng, 0, simStorm), lasts: between(rng, 50*time.Millisecond, 15*time.Second),
			host: c.hosts[rng.IntN(hosts)].addr, kind: simFaults[rng.IntN(len(simFaults)-1)], // not the last, which is for good
			amount: rng.Float64(),
		}
		c.faults = append(c.faults, f)
	}
	return c
}

// killed reports whose memory the faults take: the head's, a worker's.
func (c *cluster) killed() (head, worker bool) {
	for _, f := range c.faults {
		if f.kind == "kill" || f.kind == "power" {
			head, worker = head || f.host == simHead, worker || f.host != simHead
		}
	}
	return head, worker
}

func simulateRestarts(t *testing.T, seed uint64) *cluster {
	t.Helper()
	c := newCluster(seed)
	fine := false
	defer func() {
		if !fine {
			t.Logf("seed %d failed; run it alone with: go test ./rendezvous -run %s -sim.seed=%d -sim.seeds=3 -v\n%d nodes of %d, at most %d, lost after %s, rejoin %t, addresses unique %t\n%s",
				seed, t.Name(), seed, c.nodes, len(c.hosts), c.most, c.lostAfter, c.rejoin, c.unique, c.history())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		c.began = time.Now()
		var wg sync.WaitGroup
		over, stop := context.WithTimeout(context.Background(), simOver+5*time.Minute)
		defer stop()
		for _, h := range c.hosts {
			wg.Go(func() { c.engine(over, h) })
		}
		for _, f := range c.faults {
			time.AfterFunc(f.at, func() {
				c.say("fault: %s", f)
				f.apply(c.net, c.killContainer)
			})
		}
		time.AfterFunc(simRuns, func() { c.checkRunning(t) })
		wg.Wait()
		c.checkEnd(t)
	})
	fine = !t.Failed()
	return c
}

func (c *cluster) killContainer(host netip.Addr) {
	c.net.kill(host, func() {
		for _, h := range c.hosts {
			if h.addr == host {
				h.die()
			}
		}
	})
}

// engine starts a container's program again until it ends well.
func (c *cluster) engine(over context.Context, h *simContainer) {
	for over.Err() == nil {
		var life context.Context
		life, h.die = context.WithCancel(over)
		down := false
		h.refused = false
		c.net.change(h.addr, func(host *simHost) { down = host.down })
		switch {
		case down:
		case h.name == "head":
			h.outcome = c.headProgram(life, h)
		default:
			h.outcome = c.workerProgram(life, h)
		}
		h.die()
		if h.outcome != nil {
			c.say("%s ends with %+v", h.name, *h.outcome)
			return
		}
		least, most := 100*time.Millisecond, 2*time.Second
		if h.refused { // engines have less and less patience
			least, most = 5*time.Second, 20*time.Second
		}
		pause(over, between(h.chance, least, most))
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (c *cluster) is(who, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[who] = what
}

// headProgram gathers until the job has ended with 0, and returns nil if it is
// killed before.
func (c *cluster) headProgram(life context.Context, n *simContainer) *Outcome {
	listener := c.net.listen(simHead)
	var was Roster
	backoff := 100 * time.Millisecond
	for {
		cfg := HeadConfig{
			Listener: listener, KeepOpen: true, Secret: secret, UniqueAddrs: c.unique, Nodes: c.nodes, MaxNodes: c.most, LostAfter: c.lostAfter, Was: was,
			Rejoin: c.rejoin, NotBefore: time.Now().Add(backoff), Self: Node{Name: "head", Addr: simHead},
		}
		cfg.HeldUntil = cfg.NotBefore.Add(simHeld)
		c.mu.Lock()
		c.before, c.held = was.RunID, cfg.HeldUntil
		c.mu.Unlock()
		h, err := NewHead(cfg)
		if err != nil {
			return nil
		}
		o := c.leadOnce(life, n, h)
		o.Again = o.Code != 0
		if !o.Again && life.Err() == nil {
			c.final = &o
		}
		ctx, cancel := context.WithTimeout(life, c.lostAfter)
		if life.Err() == nil {
			c.is("head", "ending")
			h.Finish(ctx, o)
		}
		cancel()
		was, backoff = h.Roster(), min(2*backoff, 4*time.Second)
		_ = h.Close()
		switch {
		case life.Err() != nil:
			return nil
		case !o.Again:
			_ = listener.Close()
			return &o
		}
		c.say("head gathers again: %s", o.Cause)
	}
}

func (c *cluster) leadOnce(life context.Context, n *simContainer, h *Head) Outcome {
	c.is("head", "gathering")
	join, cancel := context.WithTimeout(life, simJoin)
	defer cancel()
	roster, err := h.Gather(join)
	if err != nil {
		return Outcome{Code: codeLost, Cause: err.Error()}
	}
	c.rosters = append(c.rosters, roster)
	n.places[roster.RunID] = 0
	start, cancel := context.WithTimeout(life, simStart)
	defer cancel()
	if err = h.Ready(start); err != nil {
		return Outcome{Code: codeLost, Cause: err.Error()}
	}
	c.is("head", "running "+roster.RunID)
	c.say("head runs %s", names(roster))
	job := time.After(time.Until(c.began.Add(simOver)))
	for {
		select {
		case <-life.Done():
			return Outcome{Code: 137}
		case <-job:
			return Outcome{Code: 0, Node: "head", Cause: "the job of run " + roster.RunID + " ended"}
		case e := <-h.Events():
			switch e := e.(type) {
			case Lost:
				if !c.rejoin {
					return Outcome{Code: codeLost, Node: e.Node.Name, Cause: "lost " + e.Node.Name}
				}
				c.tolerated++
				if time.Since(c.began) > simCalm {
					c.restless = append(c.restless, e.Node.Name)
				}
			case Failed:
				return e.Outcome
			}
		}
	}
}

// workerProgram takes part in one run after the other until the work is done.
func (c *cluster) workerProgram(life context.Context, n *simContainer) *Outcome {
	was := Place{} // a container that comes back remembers nothing
	if !n.begun {
		was, n.begun = n.first, true
	}
	for life.Err() == nil {
		c.is(n.name, "joining")
		ctx, cancel := context.WithTimeout(life, simJoin)
		w, err := Join(ctx, WorkerConfig{
			Dial: func(ctx context.Context) (net.Conn, error) { return c.net.dial(ctx, n.addr, simHead) },
			Head: "head:6378", Secret: secret, Self: Node{Name: n.name, Addr: n.addr, Rank: NoRank}, Was: was,
			jitter: func(d time.Duration) time.Duration { return time.Duration(n.chance.Int64N(int64(d))) },
		})
		cancel()
		if err != nil {
			c.say("%s: %v", n.name, err)
			n.refused = errors.As(err, new(*RefusedError))
			c.noteRefused(n, was)
			if ended, ok := errors.AsType[*EndedError](err); ok {
				return &ended.Outcome
			}
			return nil
		}
		was = w.Place()
		n.places[was.RunID] = was.Rank
		c.say("%s has rank %d", n.name, was.Rank)
		o := c.work(life, n, w)
		_ = w.Close()
		switch {
		case o == nil: // killed
			return nil
		case !o.Again && !strings.HasPrefix(o.Cause, "lost the head"):
			return o
		}
		pause(life, between(n.chance, 0, time.Second)) // what it ran goes down
	}
	return nil
}

func (c *cluster) work(life context.Context, n *simContainer, w *Worker) *Outcome {
	if err := w.Ready(life); err == nil {
		c.is(n.name, "running "+w.Roster().RunID)
	}
	select {
	case o := <-w.Outcome():
		c.is(n.name, "ending")
		return &o
	case <-life.Done():
		return nil
	}
}

// noteRefused takes note of a node of the run before that is refused as long as its
// place is held.
func (c *cluster) noteRefused(n *simContainer, was Place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.refused && c.most == c.nodes && was.Rank > 0 && was.RunID == c.before && time.Now().Before(c.held) {
		c.robbed = append(c.robbed, n.name)
	}
}
