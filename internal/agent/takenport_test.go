package agent

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/rendezvous"
)

// TestPortOfNoHead: a node whose port something else has says so, and ends as soon as
// that can't be a head.
func TestPortOfNoHead(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, tt := range []struct {
		holder string
		joinBy time.Duration
		code   int
		after  time.Duration
	}{
		{"process 7 (docker-proxy)", time.Hour, CodeConfig, time.Minute},
		{"", time.Hour, CodeConfig, time.Minute},
		{"process 7 (docker-proxy)", 5 * time.Second, CodeLost, 5 * time.Second},
		{"", 30 * time.Second, CodeLost, 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &workerMember{
				log: zap.NewNop(), decided: make(chan struct{}),
				port: &takenPort{number: uint16(l.Addr().(*net.TCPAddr).Port), holder: tt.holder},
				join: rendezvous.WorkerConfig{
					Self: rendezvous.Node{Name: "b", Rank: rendezvous.NoRank},
					Dial: func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED },
				},
			}
			ctx, cancel := context.WithTimeout(t.Context(), tt.joinBy)
			defer cancel()
			began := time.Now()
			_, _, err := w.Agree(ctx)
			took := time.Since(began)
			o := (&node{life: t.Context()}).outcomeOf(err)
			if o.Code != tt.code || took < tt.after || took > tt.after+2*time.Second {
				t.Errorf("%q: code %d after %s, want %d after %s: %s", tt.holder, o.Code, took, tt.code, tt.after, o.Cause)
			}
			for _, says := range []string{w.port.String(), "no head has answered", "connection refused", "SYMINIT_PORT"} {
				if !strings.Contains(o.Cause, says) {
					t.Errorf("%q isn't said: %s", says, o.Cause)
				}
			}
		})
	}
}

// TestHeadHasThePort after all: once it has taken this node in, nothing is said of
// another program any more, whatever the waiting is for.
func TestHeadHasThePort(t *testing.T) {
	head, worker := lookedAt(t, "head", good(""), "SYMINIT_NODES=3"), lookedAt(t, "worker", good(""), "SYMINIT_NODES=3")
	h, number := head.leads(t)
	defer func() { _ = h.Close() }()
	port := &takenPort{number: number}
	worker.waiting.doubt(port.doubt())
	w := worker.follows("127.0.0.2", number, port)
	in, show := make(chan struct{}, 100), w.join.Progress
	w.join.Progress = func(p rendezvous.Progress) {
		show(p)
		if p.Stage == rendezvous.Gathering {
			in <- struct{}{}
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() { defer close(left); _, _, _ = w.Agree(ctx) }()
	defer func() { leave(); <-left }()
	<-in
	says := func() string { return worker.waiting.explain(&rendezvous.MissingError{}).Error() }
	if got := says(); strings.Contains(got, fixPort) {
		t.Errorf("the head has taken the node in, and it says %q", got)
	}
	// A look at SYMINIT_HEAD may be slower than the head.
	worker.waiting.doubt("is it the head?")
	if got := says(); strings.Contains(got, "is it") {
		t.Errorf("what was looked at meanwhile is said: %q", got)
	}
	worker.waiting.seek()
	worker.waiting.doubt(port.doubt())
	if got := says(); !strings.Contains(got, fixPort) {
		t.Errorf("the next doubt isn't said: %q", got)
	}
}
