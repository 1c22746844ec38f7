package faults

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	seed   = flag.Uint64("seed", 1, "of the events")
	events = flag.Int("events", 50, "how many")
)

// bound is within which the cluster runs again. Load doesn't break it: the
// longest that syminit itself waits is 10 s for a frozen head.
const bound = 2 * time.Minute

// TestConvergence has events happen to five nodes, and each time the job runs
// again, with the ranks of before, and with nothing left of the run before. In the
// end the head is told to stop, and its job's code is every node's.
func TestConvergence(t *testing.T) {
	needs(t)
	nodes := newCluster(t, build(t), []string{"node0", "node1", "node2", "node3", "node4"}, "SYMINIT_RESTARTS=unlimited")
	for _, h := range nodes {
		h.again = true
		h.open()
	}
	t.Logf("seed %d", *seed)
	run, ended := running(t, nodes, ""), ""
	first := census(t, nodes)
	run = running(t, nodes, run)
	calm := true // all nodes are in run
	for i, e := range draw(*seed, *events) {
		began, before := time.Now(), run
		e.strike(t, nodes)
		if e.fatal() {
			ended = run
		}
		if e.hasty {
			t.Logf("%2d %s", i+1, e)
			calm = false
			continue
		}
		run = running(t, nodes, ended)
		if calm && e.kind == killJob {
			nodes[0].book.heard(before, len(nodes), end{code: 128 + int(syscall.SIGKILL), again: true})
		}
		calm = true
		t.Logf("%2d %s: runs after %.1f s", i+1, e, time.Since(began).Seconds())
		if t.Failed() {
			t.Fatalf("after %d events of seed %d", i+1, *seed)
		}
	}
	run = running(t, nodes, ended)
	for lived(nodes) < runsBefore { // else a goroutine that each run leaves isn't to be seen
		event{kind: killRay, nodes: []int{len(nodes) - 1}}.strike(t, nodes)
		run = running(t, nodes, run)
	}
	compareGoroutines(t, nodes, first, census(t, nodes))
	running(t, nodes, run)
	stop(t, nodes)
}

// stop ends the job, as an engine does that starts no container again, and wants
// nothing to be left of the nodes.
func stop(t *testing.T, nodes []*host) {
	t.Helper()
	for _, h := range nodes {
		h.leave()
	}
	nodes[0].signal("syminit", syscall.SIGTERM)
	late := time.After(bound)
	for _, h := range nodes {
		select {
		case <-h.done:
		case <-late:
			report(t, nodes)
			t.Fatalf("seed %d: %s has not ended", *seed, h.name)
		}
	}
	for _, h := range nodes {
		if h.code != jobCode {
			report(t, nodes)
			t.Errorf("seed %d: %s ended with %d, the job with %d", *seed, h.name, h.code, jobCode)
		}
		if left := h.left(t); left != "" {
			t.Errorf("seed %d: %s has left %s", *seed, h.name, left)
		}
	}
	if mistakes := nodes[0].book.mistakes(); len(mistakes) > 0 {
		t.Errorf("seed %d: %s", *seed, strings.Join(mistakes, "\n"))
	}
}

// running waits until all nodes are in one run, which isn't the one before, and
// returns it.
func running(t *testing.T, nodes []*host, before string) (run string) {
	t.Helper()
	await(t, nodes, "the job runs", func() (err error) {
		run, err = runs(nodes)
		if err == nil && run == before {
			err = errors.New("it is the run of before")
		}
		return err
	})
	return run
}

// runs returns the run that all nodes are in; an error says what is missing.
func runs(nodes []*host) (string, error) {
	run, _, said := nodes[0].is()
	words := strings.Fields(said)
	if run == "" || len(words) == 0 {
		return "", errors.New("the head has no job")
	}
	var addrs []string
	for i, h := range nodes {
		addrs = append(addrs, h.addr)
		other, rank, _ := h.is()
		if other != run {
			return "", fmt.Errorf("%s is in run %q, the head in %q", h.name, other, run)
		}
		if rank != i {
			h.book.wrong("%s has rank %d in run %s, and had %d", h.name, rank, run, i)
		}
	}
	if !slices.Equal(words[1:], addrs) {
		return "", fmt.Errorf("the job's Ray has %v", words[1:])
	}
	for i, h := range nodes {
		w := ofWorker
		if i == 0 {
			w = ofHead
		}
		if err := h.unclean(w, words[0]); err != nil {
			return "", fmt.Errorf("%s: %w", h.name, err)
		}
	}
	return run, nil
}

// await waits until check has no error.
func await(t *testing.T, nodes []*host, what string, check func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(bound)
	for {
		err := check()
		mistakes := nodes[0].book.mistakes()
		if err == nil && len(mistakes) == 0 {
			return
		}
		if len(mistakes) > 0 {
			report(t, nodes)
			t.Fatalf("seed %d: %s", *seed, strings.Join(mistakes, "\n"))
		}
		select {
		case <-tick.C:
		case <-deadline:
			report(t, nodes)
			t.Fatalf("seed %d: in %s not come to that %s: %v", *seed, bound, what, err)
		}
	}
}

// report shows the nodes' logs.
func report(t *testing.T, nodes []*host) {
	for _, h := range nodes {
		inside := h.inside()
		h.mu.Lock()
		t.Logf("%s, %d starts, now %v:\n%s", h.name, h.starts, inside, strings.Join(h.lines, "\n"))
		h.mu.Unlock()
	}
}
