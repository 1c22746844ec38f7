package pid1

import (
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/signals"
)

func TestExitCode(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		for _, code := range []int{0, 3, 127, 255} {
			w.start(t, "exit", strconv.Itoa(code)).end(t, code)
		}
		w.start(t, "run", "kill -KILL $$").end(t, 137)
	})
}

func TestSignalsArriveOnceAndInOrder(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "echo")
		s.expect(t, "up")
		// Every one in its turn, then some again.
		for _, sig := range append(signals.Forwardable(), syscall.SIGUSR1, syscall.SIGUSR1, syscall.SIGHUP) {
			// Who started the tests may have ignored HUP or INT. PIPE only counts
			// where it is blocked.
			if sig != syscall.SIGTERM && sig != syscall.SIGPIPE && !signal.Ignored(sig) {
				s.send(t, sig)
				s.expect(t, "got "+signals.Name(sig))
			}
		}
		s.send(t, syscall.SIGCHLD)
		s.send(t, syscall.SIGURG)
		s.send(t, syscall.SIGPROF)
		s.send(t, syscall.SIGTERM)
		s.expect(t, "got SIGTERM")
		s.end(t, 143)
	})
}

// Whenever TERM comes, it reaches the agent, and kills neither process.
func TestTermAtAnyInstant(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		for range 150 {
			s := w.start(t, "echo")
			delay := rand.N(8 * time.Millisecond)
			<-time.After(delay) // not for anything to happen: at any instant
			s.send(t, syscall.SIGTERM)
			s.expect(t, "up")
			s.expect(t, "got SIGTERM")
			s.end(t, 143)
			if t.Failed() {
				t.Fatalf("TERM after %v", delay)
			}
		}
	})
}

func TestOrphansAreReaped(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		const script = `i=0; while [ $i -lt 2000 ]; do (true &); i=$((i+1)); done; exit 3`
		w.start(t, "orphans", script).end(t, 3)
	})
}

// A child that died before the supervisor's program was executed has sent its
// SIGCHLD to another program.
func TestZombieOfACallerIsReaped(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		prelude := `true >` + fifo + ` & read x <` + fifo + `; exec "$@"`
		start(t, w.shell(t, prelude, "orphans", "exit 3")).end(t, 3)
	})
}

func TestAgentKilledAtAnyInstant(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		for range 50 {
			s := w.start(t, "leave", "1h", `trap "" TERM; sleep 1000 & exec sleep 1000`)
			delay := rand.N(12 * time.Millisecond)
			<-time.After(delay) // not for anything to happen: at any instant
			eventually(t, "the agent has been started", func() bool {
				children := childrenOf(s.Process.Pid)
				return len(children) > 0 && syscall.Kill(children[0], syscall.SIGKILL) == nil
			})
			s.end(t, codeInternal)
			s.loggedLast(t, "run over: the agent ended without reporting an outcome")
			if t.Failed() {
				t.Fatalf("kill -9 after %v", delay)
			}
		}
	})
}

func childrenOf(parent int) (pids []int) {
	all, _ := processes()
	for _, p := range all {
		if p.Parent == parent && !p.Dead() {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

func TestAgentWithoutOutcome(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		for part, how := range map[string]string{
			"panic":   "exited with 2",
			"quit":    "exited with 99",
			"close":   "killed by SIGKILL",
			"garbage": "1 bytes that are no message",
		} {
			s := w.start(t, part)
			s.end(t, codeInternal)
			s.logged(t, "the agent ended without reporting an outcome")
			if !strings.Contains(s.log.String(), "outcome: not known") {
				s.logged(t, how)
			}
		}
	})
}

func TestAgentThatHangsKeepsItsOutcome(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "hang")
		s.end(t, 3)
		s.logged(t, "processes outlived TERM: sending KILL")
	})
}

func TestAgentThatCantBeStarted(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "no-agent")
		s.end(t, codeInternal)
		s.logged(t, "/nonexistent/agent: no such file")
	})
}

// An agent outlives kill -9 of its supervisor's whole process group, and hears
// of it, so that it can end its job.
func TestSupervisorKilled(t *testing.T) {
	cmd := world{}.command("echo")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s := start(t, cmd)
	s.expect(t, "up")
	if err := syscall.Kill(-s.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "closed")
	s.end(t, -1)
}

// Lines that nobody reads any more cost nothing but themselves.
func TestBrokenOutput(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		r, broken, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		cmd := w.command("leave", "1ms", `trap "" TERM; echo ready >&3; exec sleep 1000`)
		cmd.Stdout, cmd.Stderr = broken, broken
		s := start(t, cmd)
		_ = broken.Close()
		s.expect(t, "ready")
		s.send(t, syscall.SIGUSR1)
		s.end(t, 3)
	})
}
