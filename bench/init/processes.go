package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/syminit/syminit/test/conformance"
)

// A running is an init that runs a job as process 1 of a PID namespace.
type running struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
	exe   string // the init's binary
}

// start starts an init with a job, and waits for the job's first line.
func start(s *subject, job ...string) (*running, error) {
	prelude := []string{"-c", `mount -t proc proc /proc && exec "$@"`, "sh", s.Path}
	prelude = append(append(prelude, s.Options[conformance.Process1]...), "--")
	cmd := exec.Command("/bin/sh", append(prelude, job...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Unshareflags: syscall.CLONE_NEWNS, Setsid: true}
	cmd.Env = environ()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &running{cmd: cmd, in: in, lines: bufio.NewReader(out)}
	if line, err := r.lines.ReadString('\n'); line != "ready\n" || err != nil {
		r.stop()
		return nil, fmt.Errorf("%s: the job printed %q: %w", s.Name, line, err)
	}
	if r.exe, err = os.Readlink(fmt.Sprintf("/proc/%d/exe", cmd.Process.Pid)); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// startAll starts every init with the same job, side by side.
func startAll(all []*subject, job ...string) (list []*running, stop func(), err error) {
	stop = func() {
		for _, r := range list {
			r.stop()
		}
	}
	for _, s := range all {
		r, err := start(s, job...)
		if err != nil {
			stop()
			return nil, nil, err
		}
		list = append(list, r)
	}
	return list, stop, nil
}

func (r *running) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// number reads a line with a number.
func (r *running) number() (float64, error) {
	line, err := r.lines.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(line), 64)
}

// processes are the init's own: itself and its descendants of the same binary.
func (r *running) processes() []int {
	list := []int{r.cmd.Process.Pid}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if string(fields[1]) != strconv.Itoa(r.cmd.Process.Pid) {
			continue
		}
		if exe, err := os.Readlink(filepath.Join(filepath.Dir(path), "exe")); err != nil || exe != r.exe {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// sum adds up the numbers that f finds in a file of each process, or of each
// of its threads where the name has a *.
func (r *running) sum(name string, f func(line string) float64) (total float64, err error) {
	for _, pid := range r.processes() {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			return 0, err
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				return 0, err
			}
			for line := range strings.Lines(string(b)) {
				total += f(line)
			}
		}
	}
	return total, nil
}

// after is the number behind any of these names, else 0.
func after(line string, names ...string) float64 {
	for _, name := range names {
		if rest, ok := strings.CutPrefix(line, name); ok {
			value, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return value
		}
	}
	return 0
}
