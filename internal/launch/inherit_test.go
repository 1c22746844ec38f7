package launch

import (
	"fmt"
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

	"github.com/syminit/syminit/signals"
	"github.com/syminit/syminit/test/need"
)

// helperVariable makes the test binary a program that starts its arguments as
// a job, as syminit would, and ends with the job's exit code.
const helperVariable = "LAUNCH_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) == "" {
		os.Exit(m.Run())
	}
	p, err := Start(Command{Argv: os.Args[1:], Env: os.Environ(), Foreground: true}, ProcessConfig{Name: "job", Log: zap.NewNop(), Group: unix.Getpgrp()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-p.Done()
	if inForeground(unix.Getpgrp()) {
		fmt.Println("terminal is back")
	}
	os.Exit(signals.ExitCode(p.Status()))
}

// helper returns the command of the test binary as that program.
func helper(t *testing.T, argv ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, argv...)
	c.Env = append(os.Environ(), helperVariable+"=1")
	return c
}

// TestJobGetsTheDescriptors: the job has the descriptors that it would have
// without syminit, and no other.
func TestJobGetsTheDescriptors(t *testing.T) {
	list := []string{"sh", "-c", `readlink /proc/$$/fd/* >&4; true`}
	dir := t.TempDir()
	run := func(c *exec.Cmd) string {
		var files []*os.File
		for _, name := range []string{"in", "out", "err", "three", "four"} {
			f, err := os.Create(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			files = append(files, f)
		}
		c.Stdin, c.Stdout, c.Stderr, c.ExtraFiles = files[0], files[1], files[2], files[3:]
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "four"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	bare, job := run(exec.CommandContext(t.Context(), list[0], list[1:]...)), run(helper(t, list...))
	if job != bare {
		t.Errorf("descriptors:\n%s\nwithout syminit:\n%s", job, bare)
	}
	if !strings.Contains(job, filepath.Join(dir, "three")) {
		t.Errorf("no descriptor 3:\n%s", job)
	}
}

// TestJobGetsTheLimits: the Go runtime raises its own limit on open files.
func TestJobGetsTheLimits(t *testing.T) {
	self := helper(t).Path
	c := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -Sn 200; ulimit -Hn 300; umask 027; exec nice -n 7 "$0" sh -c 'ulimit -Sn; ulimit -Hn; umask; nice'`, self)
	c.Env = append(os.Environ(), helperVariable+"=1")
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 - nice
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("200\n300\n0027\n%d\n", min(20-nice+7, 19))
	if out, err := c.CombinedOutput(); err != nil || string(out) != want {
		t.Errorf("limits, umask, nice: %q, %v; want %q", out, err, want)
	}
}

// TestJobGetsDefaultSignals: none blocked and none ignored, but for 32 and 33,
// which glibc's posix_spawn leaves ignored in what it starts (make uses it).
func TestJobGetsDefaultSignals(t *testing.T) {
	out, err := helper(t, "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name, mask, _ := strings.Cut(strings.TrimSpace(line), ":")
		const glibcs = 1<<(32-1) | 1<<(33-1)
		set, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
		if err != nil || set&^glibcs != 0 {
			t.Errorf("%s is %s, want none", name, mask)
		}
	}
	if strings.Count(string(out), "\n") != 2 {
		t.Errorf("status: %q", out)
	}
}

func TestExitCodesOfJobs(t *testing.T) {
	for script, want := range map[string]int{"exit 3": 3, "kill -INT $$": 130} {
		c := helper(t, "sh", "-c", script)
		_ = c.Run()
		if got := c.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: %d, want %d", script, got, want)
		}
	}
}

// terminal opens a pseudo-terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		need.Missing(t, "needs a pseudo-terminal: %v", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = master.Close(), slave.Close() })
	return master, slave
}

// TestForeground: the job's group has the terminal while the job runs, so that
// it can read it and gets what is typed, and syminit has it again afterwards.
func TestForeground(t *testing.T) {
	for i := range 20 { // whether the job reads before it has the terminal is a race
		master, slave := terminal(t)
		// tpgid, field 8 of stat, is the terminal's foreground group.
		c := helper(t, "sh", "-c", `trap 'exit 42' INT; read line; set -- $(cat /proc/$$/stat); echo "got $line pgrp=$5 foreground=$8 pid=$$"; while :; do read line; done`)
		c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if _, err := master.WriteString("hello\n"); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		text := readUntil(t, master, "pid=")
		var group, foreground, pid int
		if _, err := fmt.Sscanf(text[strings.Index(text, "got"):], "got hello pgrp=%d foreground=%d pid=%d", &group, &foreground, &pid); err != nil {
			t.Fatalf("run %d: %q: %v", i, text, err)
		}
		if group != pid || foreground != pid {
			t.Errorf("the job has group %d, the terminal %d, want %d for both", group, foreground, pid)
		}
		// A typed Ctrl-C reaches the job, and only that. One that comes just before the
		// shell reads is heeded when it has read.
		if _, err := master.WriteString("\x03\n"); err != nil {
			t.Fatal(err)
		}
		readUntil(t, master, "terminal is back")
		_ = c.Wait()
		if got := c.ProcessState.ExitCode(); got != 42 {
			t.Errorf("exit code %d, want 42", got)
		}
	}
}

// TestBackgroundStaysThere: a syminit in the background of a terminal does not
// take it.
func TestBackgroundStaysThere(t *testing.T) {
	master, slave := terminal(t)
	self := helper(t).Path
	// With job control on, a shell puts what it starts with & into the background.
	c := exec.CommandContext(t.Context(), "sh", "-c", `set -m; "$0" sh -c 'set -- $(cat /proc/$$/stat); [ $5 != $8 ] && echo background' & wait; echo over`, self)
	c.Env = append(os.Environ(), helperVariable+"=1")
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if text := readUntil(t, master, "over"); !strings.Contains(text, "background") {
		t.Errorf("terminal shows %q", text)
	}
	_ = c.Wait()
}

// readUntil reads until a whole line has text in it, and returns all it read.
func readUntil(t *testing.T, f *os.File, text string) string {
	t.Helper()
	if err := f.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := f.Read(buf)
		all.Write(buf[:n])
		if i := strings.Index(all.String(), text); i >= 0 && strings.Contains(all.String()[i:], "\n") {
			return all.String()
		}
		if err != nil {
			t.Fatalf("terminal: %q, then %v", all.String(), err)
		}
	}
}
