package pid1

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// identity tells two processes apart that had the same number one after the other.
type identity struct {
	pid     int
	started uint64 // clock ticks since boot
}

type process struct {
	identity
	parent int
	name   string // the kernel's, at most 15 bytes; never the arguments, which may hold secrets
	state  byte   // the letter that ps shows
}

func (p process) String() string {
	state := string(p.state)
	switch p.state {
	case 'R':
		state = "running"
	case 'S', 'I':
		state = "sleeping"
	case 'D':
		state = "stuck in the kernel"
	case 'T', 't':
		state = "stopped"
	}
	return fmt.Sprintf("%d %s (%s)", p.pid, p.name, state)
}

func (p process) dead() bool { return p.state == 'Z' || p.state == 'X' }

// signal never reaches another process that has got the number meanwhile: a
// pidfd holds on to the one process, and it is the right one if that still has
// the number now. Before Linux 5.3 there are none; kill(2) must do.
func (p process) signal(s unix.Signal) {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		fd = -1
	} else {
		defer func() { _ = unix.Close(fd) }()
	}
	if now, err := readProcess(p.pid); err != nil || now.identity != p.identity {
		return
	}
	if fd < 0 {
		_ = unix.Kill(p.pid, s)
		return
	}
	_ = unix.PidfdSendSignal(fd, s, nil, 0)
}

// processes lists all processes that /proc shows. It is an error when that is
// the /proc of another PID namespace, where the numbers mean others.
func processes() ([]process, error) {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return nil, errors.New("/proc is not that of this PID namespace: mount one to have the processes named")
	}
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var list []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := readProcess(pid); err == nil { // else it has ended meanwhile
			list = append(list, p)
		}
	}
	return list, nil
}

func readProcess(pid int) (process, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, err
	}
	return parseStat(stat)
}

// parseStat reads the fields 1 to 4 and 22 of proc_pid_stat(5). The name is in
// parentheses and may itself hold any byte.
func parseStat(stat []byte) (process, error) {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("no process in %q", stat)
	}
	rest := bytes.Fields(stat[end+1:]) // field 3 and on
	if len(rest) < 20 {
		return process{}, fmt.Errorf("no process in %q", stat)
	}
	pid, err1 := strconv.Atoi(string(bytes.TrimSpace(stat[:open])))
	parent, err2 := strconv.Atoi(string(rest[1]))
	started, err3 := strconv.ParseUint(string(rest[19]), 10, 64)
	return process{
		identity: identity{pid: pid, started: started},
		parent:   parent,
		name:     string(stat[open+1 : end]),
		state:    rest[0][0],
	}, errors.Join(err1, err2, err3)
}
