package rendezvous

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/internal/procstat"
)

// TestPausedHead is stopped until its worker has given it up: what it says of that
// one then doesn't blame it alone.
func TestPausedHead(t *testing.T) {
	const role, lostAfter = "TEST_PAUSED_HEAD", 2 * time.Second
	if os.Getenv(role) != "" {
		s := tcp(t)
		cfg := s.head(2)
		cfg.LostAfter = lostAfter
		h := startHead(t, cfg)
		fmt.Println(s.listener.Addr())
		fmt.Println(<-h.Events())
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPausedHead$")
	cmd.Env, cmd.Stderr = append(os.Environ(), role+"=1"), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(out)
	lines.Scan()
	address := lines.Text()
	w := join(t, WorkerConfig{
		Dial:   func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) },
		Secret: secret, Self: Node{Name: "w", Rank: NoRank},
	})
	awaitIdle(t, cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	<-w.Outcome()
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	lines.Scan()
	if got := lines.Text(); !strings.Contains(got, "w (127.0.0.1)") || !strings.Contains(got, "; head (127.0.0.1) itself stood still for ") {
		t.Errorf("the head says %q", got)
	}
}

// awaitIdle waits until none of a process runs: one that is stopped just after it has
// written doesn't know when that was.
func awaitIdle(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for idle := false; !idle; <-tick.C {
		threads, err := procstat.Threads(pid)
		if err != nil {
			t.Fatal(err)
		}
		idle = !slices.ContainsFunc(threads, func(s procstat.Stat) bool { return s.State != 'S' })
	}
}
