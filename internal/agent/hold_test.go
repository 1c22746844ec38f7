package agent

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/rendezvous"
)

// TestPlacesAreHeld between two runs: a spare node that comes first gets none, and
// the run's own one does.
func TestPlacesAreHeld(t *testing.T) {
	head := lookedAt(t, "head", good(""), "SYMINIT_PREFLIGHT=off")
	head.was = rendezvous.Roster{RunID: "OLD", Nodes: []rendezvous.Node{{Name: "head"}, {Name: "own", Addr: netip.MustParseAddr("127.0.0.2")}}}
	head.resume = time.Now().Add(time.Hour)
	h, port := head.leads(t)
	defer func() { _ = h.Close() }()
	comes := func(name, addr string) string {
		n := lookedAt(t, name, good(""), "SYMINIT_PREFLIGHT=off")
		w := n.follows(addr, port, nil)
		told := make(chan string, 100)
		w.join.Progress = func(p rendezvous.Progress) { told <- string(p.Stage) + ": " + p.Problem }
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() { defer close(left); _, _, _ = w.Agree(ctx) }()
		defer func() { leave(); <-left }()
		return <-told
	}
	if got := comes("spare", "127.0.0.3"); !strings.Contains(got, "held for nodes of the run before") {
		t.Errorf("the spare node is told %q", got)
	}
	if got := comes("own", "127.0.0.2"); got != "gathering: " {
		t.Errorf("the run's own node is told %q", got)
	}
}

// TestPlacesAreHeldForAWhile that leaves time for joining to who takes them then.
func TestPlacesAreHeldForAWhile(t *testing.T) {
	n := &node{cfg: settings(t), series: &series{resume: time.Now()}}
	for joining, want := range map[time.Duration]time.Duration{time.Hour: 10 * time.Second, 10 * time.Second: 5 * time.Second} {
		n.cfg.JoinTimeout = joining
		if got := n.heldUntil().Sub(n.resume); got != want {
			t.Errorf("%s for joining: held for %s, want %s", joining, got, want)
		}
	}
}
