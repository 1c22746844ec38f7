package rendezvous

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

var update = flag.Bool("update", false, "write the golden files anew")

var secret = []byte("a secret of the tests, long enough")

// site is where a test's nodes meet: loopback TCP, or pipes in memory for
// tests on a virtual clock.
type site struct {
	listener net.Listener
	dial     func(ctx context.Context, from netip.Addr) (net.Conn, error)
}

// tcp is a site on loopback; a node's address is one of 127.0.0.0/8.
func tcp(t testing.TB) *site {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &site{l, func(ctx context.Context, from netip.Addr) (net.Conn, error) {
		d := net.Dialer{}
		if from.IsValid() {
			d.LocalAddr = &net.TCPAddr{IP: from.AsSlice()}
		}
		return d.DialContext(ctx, "tcp4", l.Addr().String())
	}}
}

// elapse lets time pass on a bubble's virtual clock.
func elapse(d time.Duration) { <-time.After(d) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// logged has a log be kept, and returns what is written to it.
func logged(log **zap.Logger) *observer.ObservedLogs {
	core, seen := observer.New(zap.DebugLevel)
	*log = zap.New(core)
	return seen
}

// said reports whether a line at least as severe as level has all the words,
// in its message or its fields.
func said(seen *observer.ObservedLogs, words ...string) bool {
	for _, e := range seen.All() {
		var text strings.Builder
		text.WriteString(e.Message)
		for _, v := range e.ContextMap() {
			if s, ok := v.(string); ok {
				text.WriteString(" " + s)
			}
		}
		if containsAll(text.String(), words) {
			return true
		}
	}
	return false
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// head is a Head's configuration for tests: 2 nodes, 10 seconds.
func (s *site) head(nodes int) HeadConfig {
	return HeadConfig{
		Listener: s.listener, Secret: secret, Nodes: nodes, LostAfter: 10 * time.Second,
		Self: Node{Name: "head", Rank: NoRank},
	}
}

// worker is a worker's configuration for tests.
func (s *site) worker(name, from string) WorkerConfig {
	return WorkerConfig{
		Dial:   func(ctx context.Context) (net.Conn, error) { return s.dial(ctx, addr(from)) },
		Head:   "head:6378",
		Secret: secret,
		Self:   Node{Name: name, Rank: NoRank},
	}
}

func startHead(t testing.TB, cfg HeadConfig) *Head {
	t.Helper()
	h, err := NewHead(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// join calls Join and wants it to work.
func join(t testing.TB, cfg WorkerConfig) *Worker {
	t.Helper()
	w, err := Join(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// joined is what a call of Join returned.
type joined struct {
	*Worker
	err error
}

// start calls Join in a goroutine.
func start(ctx context.Context, cfg WorkerConfig) <-chan joined {
	c := make(chan joined, 1)
	go func() {
		w, err := Join(ctx, cfg)
		c <- joined{w, err}
	}()
	return c
}

// run is a run of which all nodes are there.
type run struct {
	head    *Head
	roster  Roster
	workers []*Worker // by rank less one
}

// agree brings a head and its workers together.
func agree(t testing.TB, cfg HeadConfig, workers ...WorkerConfig) *run {
	t.Helper()
	r := &run{head: startHead(t, cfg), workers: make([]*Worker, len(workers))}
	var joins []<-chan joined
	for _, w := range workers {
		joins = append(joins, start(t.Context(), w))
	}
	r.gather(t, joins)
	return r
}

// gather waits until all have the roster.
func (r *run) gather(t testing.TB, joins []<-chan joined) {
	t.Helper()
	var err error
	if r.roster, err = r.head.Gather(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range joins {
		j := <-c
		if j.err != nil {
			t.Fatal(j.err)
		}
		r.workers[j.Rank()-1] = j.Worker
	}
}

// ready passes the barrier on every node.
func (r *run) ready(t testing.TB) {
	t.Helper()
	results := make(chan error, len(r.workers))
	for _, w := range r.workers {
		go func() { results <- w.Ready(t.Context()) }()
	}
	if err := r.head.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range r.workers {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
}

func (r *run) close(t testing.TB) {
	t.Helper()
	closeAll(t, r.head, r.workers...)
}

// gather waits until a head has all its nodes.
func gather(t testing.TB, h *Head) {
	t.Helper()
	if _, err := h.Gather(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// finish ends a run and wants all to hear it.
func finish(t testing.TB, h *Head, o Outcome) {
	t.Helper()
	if silent := h.Finish(t.Context(), o); silent != nil {
		t.Errorf("did not acknowledge: %v", silent)
	}
}

// closeAll ends a head and its workers.
func closeAll(t testing.TB, h *Head, workers ...*Worker) {
	t.Helper()
	for _, w := range workers {
		_ = w.Close()
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// inBubble is a subtest on a virtual clock of its own.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// noLeaks fails the test if goroutines that it started are still there at its
// end. Tests in a synctest bubble need no such check: the bubble is one.
func noLeaks(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; <-tick.C {
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(),
					stacks[:runtime.Stack(stacks, true)])
			}
		}
	})
}

// as is errors.AsType, failing the test when the error is another one.
func as[E error](t testing.TB, err error) E {
	t.Helper()
	e, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("error %T %v, want %T", err, err, e)
	}
	return e
}

// names are a roster's, in the order of ranks; one that is lost in brackets.
func names(r Roster) string {
	var list []string
	for _, n := range r.Nodes {
		if n.Gone {
			n.Name = "(" + n.Name + ")"
		}
		list = append(list, n.Name)
	}
	return fmt.Sprint(list)
}

// keptOpen is a head's configuration whose port outlives it.
func (p *pipes) keptOpen(nodes int) HeadConfig {
	cfg := p.head(nodes)
	cfg.KeepOpen, cfg.UniqueAddrs = true, true
	return cfg
}
