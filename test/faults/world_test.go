package faults

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var worlds atomic.Int64

// world is two hosts with a link between them. The head is on one, a worker on
// the other; one more worker is on the head's host, where no fault of the link
// reaches it.
type world struct {
	t          *testing.T
	near, far  string // namespaces: the head's and the worker's
	link       *link
	env        []string
	head, work *process
	other      *process
}

func newWorld(t *testing.T, lostAfter time.Duration, atOnce bool) *world {
	t.Helper()
	id := fmt.Sprintf("sf%d-%d", os.Getpid(), worlds.Add(1))
	w := &world{t: t, near: id + "h", far: id + "w", env: []string{"LOST=" + lostAfter.String()}}
	if atOnce {
		w.env = append(w.env, "SYMINIT_TEST_AT_ONCE=1")
	}
	for _, ns := range []string{w.near, w.far} {
		namespace(t, ns)
	}
	w.link = connect(t, w.near, w.far)
	for ns, ip := range map[string]string{w.near: headIP, w.far: "10.77.0.2"} {
		sh(t, fmt.Sprintf("ip -n %s addr add %s/24 dev eth0", ns, ip))
		sh(t, fmt.Sprintf("ip -n %s link set eth0 up", ns))
	}
	return w
}

// in runs a command in a host's network.
func (w *world) in(ns, command string) { sh(w.t, "nsenter --net=/run/netns/"+ns+" "+command) }

// namespace makes a host's network, with its loopback up.
func namespace(t *testing.T, name string) {
	t.Helper()
	sh(t, "ip netns add "+name)
	t.Cleanup(func() { sh(t, "ip netns del "+name) })
	sh(t, "ip -n "+name+" link set lo up")
}

func sh(t *testing.T, command string) {
	words := strings.Fields(command)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", command, err, out)
	}
}

// process is a node's.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.Writer
	lines chan string
	seen  []string
}

func (w *world) start(name, ns string) *process {
	w.t.Helper()
	cmd := exec.Command("nsenter", "--net=/run/netns/"+ns, "/proc/self/exe")
	cmd.Args[2], _ = os.Executable()
	cmd.Env = append(os.Environ(), w.env[1:]...)
	cmd.Env = append(cmd.Env, nodeEnv+"="+name+" "+strings.TrimPrefix(w.env[0], "LOST="))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	p := &process{t: w.t, cmd: cmd, in: in, lines: make(chan string, 1000)}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

func (p *process) tell(word string) { _, _ = fmt.Fprintln(p.in, word) }

// freeze stops the process, and waits until none of it runs any more.
func (p *process) freeze() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for running := true; running; <-tick.C {
		running = false
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
		for _, thread := range threads {
			stat, _ := os.ReadFile(thread)
			_, state, _ := strings.Cut(string(stat), ") ")
			running = running || !strings.HasPrefix(state, "T")
		}
	}
}

// until waits for a line that begins with one of the words, and returns it; ""
// if the process ends without. Nobody may hang.
func (p *process) until(words ...string) string {
	p.t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case line, more := <-p.lines:
			if !more {
				return ""
			}
			p.seen = append(p.seen, line)
			for _, word := range words {
				if strings.HasPrefix(line, word) {
					return line
				}
			}
		case <-deadline:
			p.t.Errorf("it hangs: waited for %q, it said %q", words, p.seen)
			return ""
		}
	}
}
