package agent

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/status"
	"github.com/syminit/syminit/rendezvous"
)

// An onlyLink is a supervisor's link that takes a report.
type onlyLink struct {
	signals chan syscall.Signal
	code    int
}

func (l *onlyLink) Signals() <-chan syscall.Signal         { return l.signals }
func (l *onlyLink) Report(code int, _ time.Duration) error { l.code = code; return nil }
func (l *onlyLink) LastLine(zapcore.Level, string) error   { return nil }

func (l *onlyLink) ReportAndWait(code int, grace time.Duration) error { return l.Report(code, grace) }
func (*onlyLink) Sweep(time.Duration) error                           { return nil }
func (*onlyLink) Suspend() error                                      { return errors.New("nobody to suspend") }

func settings(t *testing.T, environ ...string) *config.Config {
	t.Helper()
	c, err := config.Load(environ)
	if err := errors.Join(err, c.Resolve()); err != nil {
		t.Fatal(err)
	}
	return c
}

// What is seen of a run changes with it, from the first moment to the last.
func TestStatusOfARun(t *testing.T) {
	// An address that is this test's alone: the kernel gives a port of 127.0.0.1 that
	// was free a moment ago to the connections of other packages' tests.
	address := fmt.Sprintf("127.%d.%d.%d:6390", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	link := &onlyLink{signals: make(chan syscall.Signal)}
	heeds := filepath.Join(t.TempDir(), "heeds") // there once the job heeds TERM
	over := make(chan error)
	go func() {
		over <- Run(Config{
			Args: []string{"sh", "-c", "trap : TERM; trap 'exit 3' USR1; : >$0; while :; do sleep 0.05; done", heeds}, Environ: []string{"PATH=/bin:/usr/bin"},
			Settings: settings(t, "SYMINIT_STATUS_ADDR="+address), Link: link, Log: zap.NewNop(),
		})
	}()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	await := func(want int, says string) {
		t.Helper()
		code, body := 0, ""
		for range 3000 {
			if response, err := http.Get("http://" + address + "/readyz"); err == nil {
				text, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if code, body = response.StatusCode, string(text); code == want && strings.Contains(body, says) {
					return
				}
			}
			<-poll.C
		}
		t.Fatalf("/readyz: %d %q, want %d %q", code, body, want, says)
	}
	await(200, "ready")
	for _, err := os.Stat(heeds); err != nil; _, err = os.Stat(heeds) {
		<-poll.C
	}
	link.signals <- syscall.SIGTERM
	await(503, "the run ends: SIGTERM on node")
	link.signals <- syscall.SIGUSR1
	if err := <-over; err != nil || link.code != 3 {
		t.Errorf("%v, code %d", err, link.code)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Error("somebody still listens")
	}
}

// The server's health counts on the node where the server is.
func TestShowRun(t *testing.T) {
	roster := rendezvous.Roster{Nodes: []rendezvous.Node{{Name: "a", Addr: netip.MustParseAddr("10.0.0.1")}, {Name: "b", Addr: netip.MustParseAddr("10.0.0.2")}}}
	serve := &launch.Command{Argv: []string{"vllm", "serve", "m", "--port", "1"}}
	for rank, want := range map[int32]string{0: "http://127.0.0.1:1/health", 1: ""} {
		board := status.New(status.Config{Node: "me", Nodes: 2, Now: time.Now, Log: zap.NewNop()})
		n := &node{board: board, name: roster.Nodes[rank].Name, run: "r1", runtime: launch.Ray}
		n.rank.Store(rank)
		n.showRun(roster, launch.Plan{Job: map[int32]*launch.Command{0: serve}[rank]})
		s := board.Read()
		if s.Run != "r1" || s.Runtime != launch.Ray || s.Rank != int(rank) || s.Nodes != 2 || s.Roster[1] != (status.Node{Rank: 1, Name: "b", Addr: "10.0.0.2"}) {
			t.Errorf("rank %d: %+v", rank, s)
		}
		if got := s.Health; (got == nil) != (want == "") || got != nil && got.URL != want {
			t.Errorf("rank %d: %+v, want %q", rank, got, want)
		}
		board.Close()
	}
}

// What ends a run from outside is seen before the job is told.
func TestEndIsSeenAtOnce(t *testing.T) {
	board := status.New(status.Config{Now: time.Now, Log: zap.NewNop()})
	defer board.Close()
	n := &node{board: board}
	n.cancel = func(error) {
		if got := board.Read().Ending; got != "lost node b" {
			t.Errorf("the run ends: %q", got)
		}
	}
	n.end(rendezvous.Outcome{Cause: "lost node b"})
}
