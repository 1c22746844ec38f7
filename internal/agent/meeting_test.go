package agent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/preflight"
	"github.com/syminit/syminit/rendezvous"
)

// behind has a node not reach ports of others, the first times it looks.
func (l *looked) behind(times int32) (looks *atomic.Int32) {
	looks = &atomic.Int32{}
	l.look.host.Barred = func(_ context.Context, at netip.AddrPort) bool {
		return at == netip.MustParseAddrPort("127.0.0.1:6379") && looks.Add(1) <= times
	}
	return looks
}

// TestCutOff ends a run on every node whose worker twice gets no answer where all
// meet, and no other.
func TestCutOff(t *testing.T) {
	head, worker := lookedAt(t, "head", good("")), lookedAt(t, "worker", good(""))
	looks := worker.behind(2)
	headErr, workerErr := meetAt(t, head, worker)
	for who, o := range map[string]rendezvous.Outcome{"head": head.outcomeOf(headErr), "worker": worker.outcomeOf(workerErr)} {
		const begins, ends = "the run isn't started, for it can't work: worker: ports: port 6379 of head gives no answer, where Ray (SYMINIT_RAY_PORT) meets (open TCP port 6379 between", "SYMINIT_PREFLIGHT=off on the head goes on all the same"
		if o.Code != CodeRuntime || o.Again || !strings.HasPrefix(o.Cause, begins) || !strings.HasSuffix(o.Cause, ends) {
			t.Errorf("%s ends with %+v", who, o)
		}
	}
	if head.run != "" || worker.run != "" || looks.Load() != 2 {
		t.Errorf("there are the runs %q and %q, after %d looks", head.run, worker.run, looks.Load())
	}
	if n := worker.log.FilterMessage("waiting for the head").Len(); n != 1 {
		t.Errorf("the worker says %d times why it waits", n)
	}
	for name, tt := range map[string]struct {
		times    int32
		settings []string
	}{
		"an answer the second time": {1, nil},
		"the head doesn't look":     {2, []string{"SYMINIT_PREFLIGHT=off"}},
	} {
		head, worker = lookedAt(t, "head", good(""), tt.settings...), lookedAt(t, "worker", good(""))
		looks = worker.behind(tt.times)
		if a, b := meetAt(t, head, worker); a != nil || b != nil || looks.Load() != 2 {
			t.Errorf("%s: %v, %v after %d looks", name, a, b, looks.Load())
		}
	}
	// In no run that is used up is there another.
	head, worker = lookedAt(t, "head", good(""), "SYMINIT_RESTARTS=3"), lookedAt(t, "worker", good(""), "SYMINIT_RESTARTS=3")
	worker.behind(2)
	headErr, _ = meetAt(t, head, worker)
	if o := head.followed(head.outcomeOf(headErr)); o.Code != CodeRuntime || o.Again {
		t.Errorf("with restarts left it ends with %+v", o)
	}
	head.close()
}

// TestCutOffElsewhere doesn't count: it isn't where this run meets.
func TestCutOffElsewhere(t *testing.T) {
	head := lookedAt(t, "head", good(""))
	self := rendezvous.Node{Name: "head", Addr: netip.MustParseAddr("10.0.0.1")}
	where := head.meeting()[0]
	for name, tt := range map[string]struct {
		port preflight.Port
		at   string
		want int
	}{
		"there":           {where, "10.0.0.1", 1},
		"another address": {where, "10.0.0.9", 0}, // one that is translated, say
		"another port":    {preflight.Port{Number: 6380, For: where.For}, "10.0.0.1", 0},
	} {
		facts := preflight.Facts{Barred: []preflight.Port{tt.port}, BarredAt: netip.MustParseAddr(tt.at)}
		heard := head.reported(self, []rendezvous.Report{{Node: rendezvous.Node{Name: "worker"}, Body: facts.Encode()}})
		if got := len(heard[0].Facts.Barred); got != tt.want || (head.cutOff(self, heard) != nil) != (tt.want > 0) {
			t.Errorf("%s: %d ports count", name, got)
		}
	}
}

// TestMeetingElsewhere: an address of the user's own is looked at where it is known
// to be the head's.
func TestMeetingElsewhere(t *testing.T) {
	n := lookedAt(t, "worker", good(""))
	n.runtime = launch.MP
	addr := netip.MustParseAddr("10.0.0.1")
	for option, want := range map[string]int{"": 1, "--master-addr head": 1, "--master-addr=10.0.0.1": 1, "--master-addr other": 0} {
		n.args = strings.Fields("vllm serve m -tp 2 " + option)
		if got := n.meetingAt(addr); len(got) != want {
			t.Errorf("%q: %v", option, got)
		}
	}
}

// TestDoorman answers where all will meet, until they do, and leaves the port as
// it was.
func TestDoorman(t *testing.T) {
	probe, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(probe.Addr().(*net.TCPAddr).Port)
	head := lookedAt(t, "head", good(""))
	head.cfg.RayPort = port
	head.attend() // somebody has the port
	head.doorman.leave()
	_ = probe.Close()
	head.attend()
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))
	for range 3 {
		conn, err := net.Dial("tcp", at)
		if errors.Is(err, syscall.ECONNRESET) { // an answer too
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("it says something")
		}
		_ = conn.Close()
	}
	head.doorman.leave()
	head.doorman.leave()
	l, err := plain.Listen(t.Context(), "tcp", net.JoinHostPort("", strconv.Itoa(int(port))))
	if err != nil {
		t.Fatalf("the port isn't free afterwards: %v", err)
	}
	_ = l.Close()
}

// plain listens as a program does that doesn't pass over what is left of earlier
// connections.
var plain = net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 0) })
	return errors.Join(err, set)
}}

// TestServingPorts are looked at on each node that has a server.
func TestServingPorts(t *testing.T) {
	n := lookedAt(t, "worker", good(""))
	for _, tt := range []struct {
		runtime, command string
		want             bool
	}{
		{launch.Ray, "vllm serve m", false},
		{launch.MP, "vllm serve m -dp 2", false},
		{launch.MP, "vllm serve m -dp 2 -dpe", true},
		{launch.SPMD, "vllm serve m", true},
		{launch.SPMD, "vllm serve m --headless", false},
	} {
		n.runtime, n.args = tt.runtime, strings.Fields(tt.command)
		serving := preflight.Port{Number: 8000, For: "vllm serve (--port)"}
		if got := slices.Contains(n.ports(false), serving); got != tt.want {
			t.Errorf("%s, %s: %t", tt.runtime, tt.command, got)
		}
		if got := slices.Contains(n.ports(true), serving); got != !strings.Contains(tt.command, "headless") {
			t.Errorf("%s, %s on the head: %t", tt.runtime, tt.command, got)
		}
	}
}
