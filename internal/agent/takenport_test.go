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
		{"process 7 (python3)", time.Hour, CodeConfig, otherSilence},
		{"process 7 (syminit-agent)", time.Hour, CodeConfig, headSilence},
		{"", time.Hour, CodeConfig, headSilence},
		{"process 7 (python3)", 5 * time.Second, CodeLost, 5 * time.Second},
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
