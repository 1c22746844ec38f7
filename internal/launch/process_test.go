package launch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/procstat"
	"github.com/syminit/syminit/signals"
)

// patience bounds waiting for what must happen; only a failure waits so long.
const patience = 2 * time.Minute

// start starts a shell script whose output is read.
func start(t *testing.T, c Command) *Process {
	t.Helper()
	if c.Env == nil {
		c.Env = []string{"PATH=/usr/bin:/bin"}
	}
	p, err := Start(c, ProcessConfig{Name: "test", Log: zap.NewNop(), TailLines: 5})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	return p
}

func shell(script string) Command { return Command{Argv: []string{"sh", "-c", script}} }

func waitDone(t *testing.T, p *Process) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Fatalf("process %d does not end; it printed %q", p.Pid(), p.Tail())
	}
}

// eventually polls for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("not so: " + what)
		}
	}
}

// runs reports whether a process is there and no zombie.
func runs(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// printedPid waits for a process to print a number, and returns it.
func printedPid(t *testing.T, p *Process) (pid int) {
	t.Helper()
	eventually(t, "a process number is printed", func() bool {
		for _, line := range p.Tail() {
			if n, err := strconv.Atoi(line); err == nil {
				pid = n
			}
		}
		return pid > 0
	})
	return pid
}

func TestExitCode(t *testing.T) {
	for script, want := range map[string]int{
		"exit 0":        0,
		"exit 7":        7,
		"kill -9 $$":    137,
		"kill -TERM $$": 143,
	} {
		p := start(t, shell(script))
		waitDone(t, p)
		if got := signals.ExitCode(p.Status()); got != want {
			t.Errorf("%s: exit code %d, want %d", script, got, want)
		}
	}
}

// TestEnded: a process that is dead has ended, whether it has been waited for or
// not.
func TestEnded(t *testing.T) {
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Process{pid: cmd.Process.Pid}
	if p.Ended() {
		t.Error("it has ended while it runs")
	}
	_ = stdin.Close()
	eventually(t, "it has ended, and is a zombie", p.Ended)
	if err := cmd.Wait(); err != nil {
		t.Errorf("its status is lost: %v", err)
	}
	reaped := start(t, shell("exit 0"))
	waitDone(t, reaped)
	if !reaped.Ended() {
		t.Error("it has not ended, and was waited for")
	}
}

func TestSignalReachesGroup(t *testing.T) {
	p := start(t, shell("sleep 1000 & echo $!; wait; wait"))
	child := printedPid(t, p)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitDone(t, p)
	eventually(t, "the child is gone", func() bool { return !runs(child) })
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("Signal after the end: %v, want os.ErrProcessDone", err)
	}
}

func TestStop(t *testing.T) {
	t.Run("ends on TERM", func(t *testing.T) {
		p := start(t, shell("trap 'exit 3' TERM; echo $$; while :; do sleep 1000 & wait; done"))
		printedPid(t, p)
		p.Stop(patience)
		if got := signals.ExitCode(p.Status()); got != 3 {
			t.Errorf("exit code %d, want 3", got)
		}
	})
	t.Run("ignores TERM", func(t *testing.T) {
		p := start(t, shell("trap '' TERM; echo $$; while :; do sleep 1000; done"))
		printedPid(t, p)
		p.Stop(10 * time.Millisecond)
		if got := signals.ExitCode(p.Status()); got != 137 {
			t.Errorf("exit code %d, want 137", got)
		}
	})
	t.Run("without grace", func(t *testing.T) {
		p := start(t, shell("trap 'exit 3' TERM; echo $$; while :; do sleep 1000 & wait; done"))
		printedPid(t, p)
		p.Stop(0)
		if got := signals.ExitCode(p.Status()); got != 137 {
			t.Errorf("exit code %d, want 137", got)
		}
	})
	t.Run("nil", func(*testing.T) { (*Process)(nil).Stop(0) })
	t.Run("twice", func(t *testing.T) {
		p := start(t, shell("exit 4"))
		waitDone(t, p)
		p.Stop(patience)
		p.Stop(0)
		if got := signals.ExitCode(p.Status()); got != 4 {
			t.Errorf("exit code %d, want 4", got)
		}
	})
}

// TestSession: a process in a group of its own, as Ray's actors are, ends with
// the session's leader, however that ends.
func TestSession(t *testing.T) {
	for name, end := range map[string]struct {
		script string
		stop   func(*Process)
	}{
		"by itself": {"exit 5", func(*Process) {}},
		"on TERM":   {"wait", func(p *Process) { p.Stop(patience) }},
		"on KILL":   {"wait", func(p *Process) { p.Stop(0) }},
	} {
		t.Run(name, func(t *testing.T) {
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := unix.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			// The helper starts its command in a group of its own.
			c := shell(`"$SELF" sh -c 'echo $$ | tee "$FIFO"; exec sleep 1000' & read x <"$FIFO"; ` + end.script)
			c.Env = append(helper(t).Env, "SELF="+helper(t).Path, "FIFO="+fifo)
			c.Session = true
			p := start(t, c)
			child := printedPid(t, p)
			if group, err := unix.Getpgid(child); err == nil && group != child {
				t.Fatal("the child is not in a group of its own")
			}
			end.stop(p)
			waitDone(t, p)
			if runs(child) {
				t.Error("the child runs when Done is closed")
			}
		})
	}
}

func TestEnvIsTheWholeOfIt(t *testing.T) {
	t.Setenv("LAUNCH_TEST_LEAK", "1")
	p, err := Start(Command{Argv: []string{"/usr/bin/env"}}, ProcessConfig{Name: "test", Log: zap.NewNop(), TailLines: 5})
	if err != nil {
		t.Fatal(err)
	}
	waitDone(t, p)
	if tail := p.Tail(); len(tail) != 0 {
		t.Errorf("a child without an environment has %q", tail)
	}
}

// TestInSession: a zombie is told from the others, or killing a session would
// wait for who has to reap it.
func TestInSession(t *testing.T) {
	c := exec.CommandContext(t.Context(), "sh", "-c", "read x")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := c.Process.Pid
	if all := inSession(pid); len(all) != 1 || all[0].PID != pid || all[0].Dead() || all[0].Name != "sh" {
		t.Errorf("the session has %+v", all)
	}
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is dead", func() bool { s, err := procstat.Read(pid); return err == nil && s.Dead() })
	_ = c.Wait()
}

// TestManyStarts: processes that end at once are waited for, every one.
func TestManyStarts(t *testing.T) {
	for i := range 200 {
		p := start(t, shell("exit "+strconv.Itoa(i%100)))
		_ = p.Signal(syscall.SIGCONT)
		waitDone(t, p)
		if got := p.Status().ExitStatus(); got != i%100 {
			t.Fatalf("run %d: exit code %d", i, got)
		}
	}
}
