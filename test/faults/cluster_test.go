package faults

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/syminit/syminit/test/conformance"
)

var clusters atomic.Int64

// build returns a folder with what containers run: the shipped binary, and this
// one by the names that it has there.
func build(t *testing.T) (dir string) {
	t.Helper()
	dir = folder(t)
	built, err := conformance.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range programs() {
		copyFile(t, self, filepath.Join(dir, name))
	}
	if shipped := filepath.Join(dir, "syminit"); built != shipped {
		copyFile(t, built, shipped)
	}
	return dir
}

// newCluster makes hosts on one network, for nodes that are to be opened.
func newCluster(t *testing.T, built string, names []string, env ...string) []*host {
	t.Helper()
	dir := folder(t)
	programs, err := os.ReadDir(built)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		if err := os.Link(filepath.Join(built, p.Name()), filepath.Join(dir, p.Name())); err != nil {
			t.Fatal(err)
		}
	}
	id := fmt.Sprintf("sc%d-%d", os.Getpid(), clusters.Add(1))
	hub := id + "hub"
	namespace(t, hub)
	sh(t, "ip -n "+hub+" link add br0 type bridge")
	sh(t, "ip -n "+hub+" link set br0 up")
	notes := newBook()
	nodes := make([]*host, len(names))
	for i, name := range names {
		h := &host{
			t: t, name: name, addr: fmt.Sprintf("10.88.0.%d", i+1), book: notes, dir: dir, done: make(chan struct{}), fds: make(map[int]int),
			hub: hub, ns: fmt.Sprintf("%sn%d", id, i), wire: fmt.Sprintf("v%d", i), tmp: filepath.Join(dir, fmt.Sprintf("tmp%d", i)),
			env: append([]string{fmt.Sprint("SYMINIT_NODES=", len(names))}, env...),
		}
		if err := os.Mkdir(h.tmp, 0o700); err != nil {
			t.Fatal(err)
		}
		namespace(t, h.ns)
		h.link = connect(t, plug{hub, h.wire}, plug{h.ns, "eth0"})
		sh(t, fmt.Sprintf("ip -n %s link set %s master br0 up", hub, h.wire))
		sh(t, fmt.Sprintf("ip -n %s addr add %s/24 dev eth0", h.ns, h.addr))
		sh(t, fmt.Sprintf("ip -n %s link set eth0 up", h.ns))
		nodes[i] = h
		t.Cleanup(h.close)
	}
	return nodes
}

// folder is where nodes find it, whose /tmp is another.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "faults") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// namespace makes a host's network, with its loopback up.
func namespace(t *testing.T, name string) {
	t.Helper()
	sh(t, "ip netns add "+name)
	t.Cleanup(func() { sh(t, "ip netns del "+name) })
	sh(t, "ip -n "+name+" link set lo up")
}

func sh(t *testing.T, command string) {
	words := strings.Fields(command)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", command, err, out)
	}
}

// in runs a command in the host's network.
func (h *host) in(command string) { sh(h.t, "nsenter --net=/run/netns/"+h.ns+" "+command) }

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
