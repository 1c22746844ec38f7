package pid1

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A grace of an hour is never waited for: each of these ends when the last
// process does, or the test does not.

func TestStrayEndsAtTerm(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "leave-stray", "1h", "ends at TERM")
		s.expect(t, "ready")
		s.send(t, syscall.SIGUSR1)
		s.expect(t, "told")
		s.end(t, 3)
		s.logged(t, "processes are left: sending TERM", " exe (")
		s.loggedLast(t, `"level":"info",`)
		s.loggedLast(t, "run over: told")
		if strings.Contains(s.log.String(), "KILL") {
			t.Errorf("KILL was sent:\n%s", s.log.String())
		}
	})
}

// Between two runs what one left behind is ended, and nothing else.
func TestSweepBetweenRuns(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		const leaves = `for i in 1 2 3; do (sh -c "sleep 1000; true" & sleep 1000 &) ; done`
		s := w.start(t, "sweep", leaves)
		s.end(t, 2) // the agent and its child
		s.logged(t, "processes are left: sending TERM")
		w.start(t, "sweep", "true").end(t, 2)
	})
}

// What a stray starts when it gets TERM is its own affair, until it leaves that
// behind.
func TestWhatIsStartedAtTerm(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "leave-stray", "1h", "cleans up at TERM")
		s.expect(t, "ready")
		s.send(t, syscall.SIGUSR1)
		s.expect(t, "told")
		s.expect(t, "cleaned up")
		s.end(t, 3)
	})
}

func TestStrayThatIsStoppedEndsAtTerm(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "leave", "1h", `echo ready >&3; kill -STOP $$`)
		s.expect(t, "ready")
		s.send(t, syscall.SIGUSR1)
		s.end(t, 3)
	})
}

func TestStrayIsKilledAfterTheGrace(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		const grace = 200 * time.Millisecond
		s := w.start(t, "leave", grace.String(), `trap "" TERM; sleep 1000 &
			until read -r name </proc/$!/comm && [ $name = sleep ]; do :; done; echo ready >&3; exec sleep 1000`)
		s.expect(t, "ready")
		begun := time.Now()
		s.send(t, syscall.SIGUSR1)
		s.end(t, 3)
		if took := time.Since(begun); took < grace {
			t.Errorf("ended after %v, the grace was %v", took, grace)
		}
		s.logged(t, "processes outlived TERM: sending KILL", `"count":2`, " sleep (")
		s.loggedLast(t, "run over: told")
	})
}

func TestNoGraceIsKillAtOnce(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "leave", "0s", `trap "" TERM; echo ready >&3; exec sleep 1000`)
		s.expect(t, "ready")
		s.send(t, syscall.SIGUSR1)
		s.end(t, 3)
	})
}

// Many strays, in sessions of their own and started by one another.
func TestFamilyOfStrays(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "leave", "50ms", `i=0; while [ $i -lt 100 ]; do
			setsid sh -c 'trap "" TERM; (sh -c "sleep 1000; :" & sleep 1000 &); sleep 1000; :' & i=$((i+1)); done; echo ready >&3; wait`)
		s.expect(t, "ready")
		s.send(t, syscall.SIGUSR1)
		s.end(t, 3)
	})
}

func TestNothingLeftIsNoDelayAndNoWord(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "run", "exit 3")
		s.end(t, 3)
		if s.log.Len() > 0 {
			t.Errorf("unexpected log:\n%s", s.log.String())
		}
	})
}

func TestTermDuringTheSweepChangesNothing(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, w world) {
		s := w.start(t, "leave-stray", "1h", "stays")
		s.expect(t, "ready")
		s.send(t, syscall.SIGUSR1)
		s.expect(t, "told")
		for range 10 {
			s.send(t, syscall.SIGTERM)
			s.send(t, syscall.SIGINT)
		}
		left, err := descendants{self: s.Process.Pid}.list() // the stray's parent may be the agent, still
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range left {
			p.signal(syscall.SIGUSR2)
		}
		s.end(t, 3)
	})
}

// As a subreaper, only descendants are ended, whoever else is in the process
// group, the session and the PID namespace.
func TestForeignProcessesAreLeftAlone(t *testing.T) {
	foreign := exec.Command("sleep", "1000")
	foreign.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := foreign.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = foreign.Process.Kill(); _ = foreign.Wait() })
	cmd := world{}.command("leave", "1ms", `trap "" TERM; echo ready >&3; exec sleep 1000`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: foreign.Process.Pid}
	s := start(t, cmd)
	s.expect(t, "ready")
	s.send(t, syscall.SIGUSR1)
	s.end(t, 3)
	if err := foreign.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	_ = foreign.Wait()
	if status := foreign.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGUSR1 {
		t.Errorf("a foreign process was ended: %v", foreign.ProcessState)
	}
}
