package agent

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/syminit/syminit/internal/hostnet"
	"github.com/syminit/syminit/rendezvous"
)

// TestLastLineNamesTheNodeOnce that another node's end came from.
func TestLastLineNamesTheNodeOnce(t *testing.T) {
	for cause, want := range map[string]string{
		"the job exited with code 3":                         "the job exited with code 3 (rank 0, h); exit code 69",
		"no such host":                                       "no such host (rank 0, h); exit code 69",
		"lost the head h (10.0.0.1): connection closed":      "lost the head h (10.0.0.1): connection closed; exit code 69",
		"lost node h (rank 0, 10.0.0.1): silent for 10s":     "lost node h (rank 0, 10.0.0.1): silent for 10s; exit code 69",
		"Ray died on node h (rank 0): Ray has no live node ": "Ray died on node h (rank 0): Ray has no live node ; exit code 69",
	} {
		core, logged := observer.New(zap.InfoLevel)
		n := &node{log: zap.New(core), link: &onlyLink{signals: make(chan syscall.Signal)}}
		n.rank.Store(1)
		n.announce(rendezvous.Outcome{Code: CodeLost, Node: "h", Cause: cause})
		if got := logged.All()[0].Message; got != "run over: "+want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWhyTheHeadDoesNotResolve is what the name server said, not that the time for it
// was over.
func TestWhyTheHeadDoesNotResolve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{waiting: newWaiting(zap.NewNop(), nil, func(string) {})}
		defer n.waiting.end()
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		tries := 0
		_, err := n.resolveHead(ctx, func(ctx context.Context) (hostnet.Answer, error) {
			if tries++; tries == 1 {
				return hostnet.Answer{}, errors.New("no such host")
			}
			<-ctx.Done()
			return hostnet.Answer{}, errors.New("i/o timeout")
		})
		if err == nil || tries < 2 || !strings.HasPrefix(err.Error(), "no such host, for 1s") {
			t.Errorf("after %d tries: %v", tries, err)
		}
	})
}
