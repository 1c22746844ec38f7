package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A run is an init that runs a job. What the job prints is the events that a
// case waits for.
type run struct {
	t      *Trial
	pid    int // the init's
	stdin  *os.File
	stdout *os.File
	lines  *bufio.Reader
	stderr *os.File
	kept   []*os.File // the other ends of the pipes that the job was given
	report *os.File
	master *os.File // of the terminal, if there is one
}

// start starts the init with a job in a world, and returns when it has been
// executed.
func (t *Trial) start(s setup, job ...string) *run {
	s.Mode = t.Mode
	argv := t.Init.command(t.Mode, job)
	if s.Direct {
		argv = job
	}
	s.Argv = toBytes(argv)
	if s.Env == nil {
		s.Env = toBytes(environ())
	}
	path := t.file("setup").Name()
	t.must("write the setup", s.write(path))

	r := &run{t: t, stderr: t.file("stderr")}
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{frontName, path}, Env: os.Environ(), SysProcAttr: &syscall.SysProcAttr{}}
	if t.Mode == Subreaper {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS
	}
	theirs := r.standard(cmd, s)
	var gate, life *os.File
	for _, p := range []struct{ mine **os.File }{{&r.report}, {&gate}} {
		mine, other := t.pipe()
		*p.mine = mine
		cmd.ExtraFiles = append(cmd.ExtraFiles, other)
	}
	lifeTheirs, life := t.pipe()
	cmd.ExtraFiles = append(cmd.ExtraFiles, lifeTheirs)
	for range s.Keep {
		mine, other := t.pipe()
		r.kept = append(r.kept, mine)
		cmd.ExtraFiles = append(cmd.ExtraFiles, other)
	}
	t.must("start front", cmd.Start())
	for _, f := range append(theirs, cmd.ExtraFiles...) {
		_ = f.Close()
	}
	t.cleanup(func() {
		_ = life.Close()
		_ = cmd.Wait()
	})
	r.gate(gate)
	return r
}

func environ() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}
}

// pipe makes a pipe that nothing waits at for longer than the patience lasts.
func (t *Trial) pipe() (r, w *os.File) {
	r, w, err := os.Pipe()
	t.must("make a pipe", err)
	t.must("set a deadline", r.SetReadDeadline(time.Now().Add(t.Patience)))
	t.cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// standard connects the descriptors 0 to 2; it returns those to close here.
func (r *run) standard(cmd *exec.Cmd, s setup) []*os.File {
	if s.Terminal != noTerminal {
		master, slave := r.t.openTerminal()
		r.master, r.stdin, r.stdout = master, master, master
		r.lines = bufio.NewReader(master)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		if s.Terminal.ofShell() {
			cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
		}
		return []*os.File{slave}
	}
	in, stdin := r.t.pipe()
	stdout, out := r.t.pipe()
	r.stdin, r.stdout, r.lines = stdin, stdout, bufio.NewReader(stdout)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, r.stderr
	return []*os.File{in, out}
}

// gate learns the init's number and waits until it has been executed.
func (r *run) gate(f *os.File) {
	line, err := readLine(f)
	if err != nil {
		r.t.Fatalf("the init's world can't be made: %v: %s", err, r.log())
	}
	if r.pid, err = strconv.Atoi(line); err != nil {
		r.t.Fatalf("the init's world can't be made: %s", line)
	}
	rest, err := io.ReadAll(f)
	if err != nil || len(rest) > 0 {
		r.t.Fatalf("the init's world can't be made: %s (%v)", rest, err)
	}
}

// readLine reads a line and not one byte more.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := r.Read(b); err != nil {
			return string(line), err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
}

// line is what the job prints next.
func (r *run) line() string {
	line, err := r.lines.ReadString('\n')
	if err != nil {
		r.t.Fatalf("the job printed %q and no whole line (%v); the init: %s", line, err, r.log())
	}
	return strings.TrimRight(line, "\r\n")
}

// expect waits for the next line, which must be this one.
func (r *run) expect(want string) {
	if got := r.line(); got != want {
		r.t.Fatalf("the job printed %q, want %q; the init: %s", got, want, r.log())
	}
}

// output is everything that the job and its children print until all are gone.
func (r *run) output() string {
	b, err := io.ReadAll(r.lines)
	if err != nil {
		r.t.Fatalf("the job's output does not end (%v) after %q; the init: %s", err, b, r.log())
	}
	return string(b)
}

func (r *run) write(text string) {
	if _, err := r.stdin.WriteString(text); err != nil {
		r.t.Fatalf("write to the job: %v", err)
	}
}

// signal sends the init a signal, from outside its namespace.
func (r *run) signal(sig int) {
	if err := unix.Kill(r.pid, unix.Signal(sig)); err != nil {
		r.t.Fatalf("send signal %d: %v; the init: %s", sig, err, r.log())
	}
}

// ended waits for the init's end.
func (r *run) ended() report {
	line, err := readLine(r.report)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.t.Fatalf("the init has not ended; it printed: %s", r.log())
	}
	var end report
	r.t.must("read front's report", errors.Join(err, json.Unmarshal([]byte(line), &end)))
	return end
}

// exits waits for the init's end with an exit code.
func (r *run) exits(code int) report {
	end := r.ended()
	if end.Signal != 0 || end.Code != code {
		r.t.Fatalf("the init ended with %v, want exit code %d; it printed: %s", end, code, r.log())
	}
	return end
}

// log is what the init printed, or the job.
func (r *run) log() string {
	b, err := os.ReadFile(r.stderr.Name())
	if err != nil {
		return err.Error()
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return "(nothing)"
	}
	return string(b)
}

// until waits for a condition.
func (r *run) until(what string, done func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), r.t.Patience)
	defer cancel()
	poll := time.NewTicker(500 * time.Microsecond)
	defer poll.Stop()
	for !done() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			r.t.Fatalf("waited in vain: %s; the init: %s", what, r.log())
		}
	}
}

// children lists the numbers of a process's children, as the suite sees them.
func children(pid int) (list []int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, path := range stats {
		if f := statFields(path); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
				list = append(list, child)
			}
		}
	}
	return list
}

// statFields are the fields of proc_pid_stat(5) from the third, the state, on.
func statFields(path string) []string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

// command is a process's command line, with spaces.
func command(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(b), "\x00", " ")
}
