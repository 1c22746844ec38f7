package faults

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	headAddr  = "10.88.0.1"
	lostTime  = 2 * time.Second // LOST_AFTER
	keptLines = 60              // of a node's log, for when the test fails
)

// host is where a node's container runs, and starts again whenever it ends.
type host struct {
	t     *testing.T
	name  string
	addr  string
	ns    string // network namespace
	hub   string // the network namespace where all links end
	wire  string // the link's end there
	link  *link
	dir   string // of the programs
	tmp   string // the container's /tmp, which outlives its processes
	book  *book
	env   []string
	again bool // the engine starts the container again
	small bool // the disk is

	opened bool
	fds    map[int]int // agent → files that it had open in its first run

	mu      sync.Mutex
	closing bool
	cmd     *exec.Cmd // nil: not running
	starts  int
	run     string // the run that the node is in; "" for none
	rank    int
	job     string // the last that the job said
	lines   []string
	runs    int           // that the container has been in since its start
	dump    []string      // what its agent says of its goroutines
	stacks  []string      // the same of the container before
	found   time.Time     // when it first said that a node is lost
	cause   string        // of the last end, as its last line has it
	code    int           // the exit code of the last end
	over    time.Time     // when that was
	done    chan struct{} // closed after it
}

// script makes a container: process 1 in namespaces of its own. /tmp is what a
// writable layer is to a container, there again after a restart; /dev/shm isn't.
const script = `mount --make-rprivate / && mount -t proc none /proc && hostname %s && mount -t tmpfs none /dev/shm && mount --bind %s /tmp && exec %s/syminit %[3]s/job`

// smallScript makes one whose disk is a page a place: a file of it, and full.
const smallScript = `mount --make-rprivate / && mount -t proc none /proc && hostname %s &&
	mount -t tmpfs -o size=4k none /dev/shm && mount -t tmpfs -o size=4k none %s && mount -t tmpfs -o size=4k none /tmp &&
	exec %s/syminit %[3]s/job >>%[2]s/log 2>&1`

func (h *host) open() {
	h.opened = true
	go func() {
		defer close(h.done)
		runtime.LockOSThread() // Pdeathsig is about the thread
		for h.once() {
		}
	}()
}

// once carries the container from its start to its end.
func (h *host) once() (again bool) {
	made := script
	if h.small {
		made = smallScript
	}
	cmd := exec.Command("nsenter", "--net=/run/netns/"+h.ns, "sh", "-c", fmt.Sprintf(made, h.name, h.tmp, h.dir))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	cmd.Env = append([]string{
		"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "SYMINIT_HEAD=" + headAddr, "SYMINIT_TOKEN=" + strings.Repeat("0123456789abcdef", 4),
		"SYMINIT_RUNTIME=ray", "SYMINIT_RAY_BIN=" + h.dir + "/ray", "SYMINIT_LOST_AFTER=" + lostTime.String(), "SYMINIT_LOG_FORMAT=json",
	}, h.env...)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		return false
	}
	if err := cmd.Start(); err != nil {
		h.mu.Unlock()
		h.t.Error(err)
		return false
	}
	h.cmd, h.run, h.job, h.runs, h.dump = cmd, "", "", 0, nil
	h.starts++
	h.mu.Unlock()
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			h.hear(lines.Text())
		}
	}()
	err := cmd.Wait()
	_ = w.Close()
	<-read
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cmd, h.run, h.stacks = nil, "", h.dump
	h.keep(fmt.Sprintf("== the container ended: %v", err))
	h.code, h.over = cmd.ProcessState.ExitCode(), time.Now()
	const killed, agentKilled = -1, 70
	if h.again && !h.closing && h.code != killed && h.code != agentKilled {
		h.book.wrong("%s's container ended with code %d", h.name, h.code)
	}
	return h.again && !h.closing
}

// saw reports whether the node said that, lately.
func (h *host) saw(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.lines, func(line string) bool { return strings.Contains(line, text) })
}

func (h *host) close() {
	h.mu.Lock()
	h.closing = true
	if h.cmd != nil {
		_ = h.cmd.Process.Kill()
	}
	h.mu.Unlock()
	if h.opened {
		<-h.done
	}
}

// leave has the container not be started again.
func (h *host) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.again = false
}

func (h *host) keep(line string) {
	h.lines = append(h.lines, line)
	h.lines = h.lines[max(0, len(h.lines)-keptLines):]
}

// losses are what a node says of one that it has lost, at whatever time of the run.
var losses = []string{
	"node lost", "head lost", "node left while others are waited for", "node left without acknowledging the outcome",
}

var exitCode = regexp.MustCompile(`^run over: (.*); exit code (\d+)$`)

// hear takes note of what a line says about the run.
func (h *host) hear(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if (line == dumpBegins || len(h.dump) > 0) && !strings.HasPrefix(line, "{") {
		h.dump = append(h.dump, line)
		return
	}
	h.keep(line)
	if said, ok := strings.CutPrefix(line, "JOB "); ok {
		h.job = said
		return
	}
	var entry struct {
		Msg   string `json:"msg"`
		Run   string `json:"run"`
		Rank  int    `json:"rank"`
		Code  int    `json:"code"`
		Nodes string `json:"nodes"`
	}
	if json.Unmarshal([]byte(line), &entry) != nil {
		return
	}
	if entry.Msg == "all nodes are here" {
		h.run, h.rank = entry.Run, entry.Rank
		h.runs++
		h.book.began(h.run)
		return
	}
	if slices.Contains(losses, entry.Msg) && h.found.IsZero() {
		h.found = time.Now()
	}
	cause, again := strings.CutPrefix(entry.Msg, "the run failed, starting it again: ")
	if m := exitCode.FindStringSubmatch(entry.Msg); m != nil {
		cause, h.cause = m[1], m[1]
		entry.Code, _ = strconv.Atoi(m[2])
	} else if !again {
		return
	}
	h.book.ended(h.run, h.name, end{code: entry.Code, again: again, cause: cause})
	h.run, h.job = "", ""
}

// is returns what the node is in, and what its job said there.
func (h *host) is() (run string, rank int, job string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run, h.rank, h.job
}
