package convergence

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/conformance"
	"github.com/syminit/syminit/test/lab"
)

var (
	seed   = flag.Uint64("seed", 1, "of the events")
	events = flag.Int("events", 50, "how many")
)

const (
	lostTime = 2 * time.Second
	// bound is within which the cluster runs again. Load doesn't break it: the
	// longest that syminit itself waits is 10 s for a frozen head.
	bound = 2 * time.Minute
)

// TestConvergence has events happen to five nodes, and each time the job runs
// again, with the ranks of before, and with nothing left of the run before.
func TestConvergence(t *testing.T) {
	lab.Needs(t, "ip", "nsenter")
	nodes := newCluster(t)
	t.Logf("seed %d", *seed)
	run, ended := running(t, nodes, ""), ""
	for i, e := range draw(*seed, *events) {
		began := time.Now()
		e.strike(t, nodes)
		if e.fatal() {
			ended = run
		}
		if e.hasty {
			t.Logf("%2d %s", i+1, e)
			continue
		}
		run = running(t, nodes, ended)
		t.Logf("%2d %s: runs after %.1f s", i+1, e, time.Since(began).Seconds())
		if t.Failed() {
			t.Fatalf("after %d events of seed %d", i+1, *seed)
		}
	}
	running(t, nodes, ended)
}

func newCluster(t *testing.T) []*host {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "converge") //nolint:usetesting // the nodes have another /tmp
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	built, err := conformance.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ray", "raylet", "job", "stray"} {
		copyFile(t, self, filepath.Join(dir, name))
	}
	if built != filepath.Join(dir, "syminit") {
		copyFile(t, built, filepath.Join(dir, "syminit"))
	}
	id := fmt.Sprintf("sc%d", os.Getpid())
	hub := id + "hub"
	lab.Namespace(t, hub)
	lab.Run(t, "ip -n "+hub+" link add br0 type bridge")
	lab.Run(t, "ip -n "+hub+" link set br0 up")
	notes := newBook()
	nodes := make([]*host, 5)
	for i := range nodes {
		h := &host{
			t: t, name: fmt.Sprintf("node%d", i), addr: fmt.Sprintf("10.88.0.%d", i+1), book: notes, dir: dir,
			ns: fmt.Sprintf("%sn%d", id, i), wire: fmt.Sprintf("v%d", i), tmp: filepath.Join(dir, fmt.Sprintf("tmp%d", i)),
		}
		if err := os.Mkdir(h.tmp, 0o700); err != nil {
			t.Fatal(err)
		}
		lab.Namespace(t, h.ns)
		lab.Run(t, fmt.Sprintf("ip -n %s link add %s type veth peer name eth0 netns %s", hub, h.wire, h.ns))
		lab.Run(t, fmt.Sprintf("ip -n %s link set %s master br0 up", hub, h.wire))
		lab.Run(t, fmt.Sprintf("ip -n %s addr add %s/24 dev eth0", h.ns, h.addr))
		lab.Run(t, fmt.Sprintf("ip -n %s link set eth0 up", h.ns))
		nodes[i] = h
		h.open()
		t.Cleanup(h.close)
	}
	return nodes
}

// hub is the namespace where the links end.
func (h *host) hub() string { return h.ns[:len(h.ns)-2] + "hub" }

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
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
