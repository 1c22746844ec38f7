// Package procstat reads what the kernel tells of processes in /proc/PID/stat. It
// knows nothing of what they are for.
package procstat

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Stat is what is read of a process: fields 1 to 4, 6 and 22 of proc_pid_stat(5).
type Stat struct {
	PID     int
	Name    string // the kernel's, at most 15 bytes; never the arguments, which may hold secrets
	State   byte   // the letter that ps shows
	Parent  int
	Session int
	Started uint64 // clock ticks since boot
}

// Dead reports whether the process only waits to be reaped.
func (s Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' }

// Read reads one process's. It is an error when there is none of that number.
func Read(pid int) (Stat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, err
	}
	return parse(text)
}

// All reads those of all processes that /proc shows, but for those that end
// meanwhile.
func All() ([]Stat, error) { return in("/proc") }

// Threads reads those of a process's threads, as All does.
func Threads(pid int) ([]Stat, error) { return in("/proc/" + strconv.Itoa(pid) + "/task") }

func in(folder string) ([]Stat, error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []Stat
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := Read(pid); err == nil {
			all = append(all, s)
		}
	}
	return all, nil
}

// parse knows that the name is in parentheses and may itself hold any byte.
func parse(text []byte) (Stat, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Stat{}, fmt.Errorf("no process in %q", text)
	}
	rest := bytes.Fields(text[end+1:]) // field 3 and on
	if len(rest) < 20 {
		return Stat{}, fmt.Errorf("no process in %q", text)
	}
	pid, err1 := strconv.Atoi(string(bytes.TrimSpace(text[:open])))
	parent, err2 := strconv.Atoi(string(rest[1]))
	session, err3 := strconv.Atoi(string(rest[3]))
	started, err4 := strconv.ParseUint(string(rest[19]), 10, 64)
	return Stat{
		PID: pid, Name: string(text[open+1 : end]), State: rest[0][0], Parent: parent, Session: session, Started: started,
	}, errors.Join(err1, err2, err3, err4)
}
