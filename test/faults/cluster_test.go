package faults

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/syminit/syminit/test/conformance"
)

// newCluster makes hosts on one network, for nodes that are to be opened.
func newCluster(t *testing.T, size int, env ...string) []*host {
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
	if shipped := filepath.Join(dir, "syminit"); built != shipped {
		copyFile(t, built, shipped)
	}
	id := fmt.Sprintf("sc%d-%d", os.Getpid(), worlds.Add(1))
	hub := id + "hub"
	namespace(t, hub)
	sh(t, "ip -n "+hub+" link add br0 type bridge")
	sh(t, "ip -n "+hub+" link set br0 up")
	notes := newBook()
	nodes := make([]*host, size)
	for i := range nodes {
		h := &host{
			t: t, name: fmt.Sprintf("node%d", i), addr: fmt.Sprintf("10.88.0.%d", i+1), book: notes, dir: dir, done: make(chan struct{}), fds: make(map[int]int),
			ns: fmt.Sprintf("%sn%d", id, i), wire: fmt.Sprintf("v%d", i), tmp: filepath.Join(dir, fmt.Sprintf("tmp%d", i)),
			env: append([]string{fmt.Sprint("SYMINIT_NODES=", size)}, env...),
		}
		if err := os.Mkdir(h.tmp, 0o700); err != nil {
			t.Fatal(err)
		}
		namespace(t, h.ns)
		sh(t, fmt.Sprintf("ip -n %s link add %s type veth peer name eth0 netns %s", hub, h.wire, h.ns))
		sh(t, fmt.Sprintf("ip -n %s link set %s master br0 up", hub, h.wire))
		sh(t, fmt.Sprintf("ip -n %s addr add %s/24 dev eth0", h.ns, h.addr))
		sh(t, fmt.Sprintf("ip -n %s link set eth0 up", h.ns))
		nodes[i] = h
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
