package launch

import (
	"bytes"
	"iter"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// sessionPoll is how often a killed session is looked at again.
const sessionPoll = 2 * time.Millisecond

// killSession kills every process of a session but its leader, until there is
// none left. The leader must not have been reaped, so that its number can't
// have become another session's.
func killSession(leader int) {
	tick := time.NewTicker(sessionPoll)
	defer tick.Stop()
	for deadline := time.Now().Add(killGrace); ; <-tick.C {
		// A process may have been forked while the list was read: only an
		// empty list ends this.
		if killMembers(leader) == 0 || time.Now().After(deadline) {
			return
		}
	}
}

// killMembers sends KILL to the processes of a session but its leader, and
// returns how many there were.
func killMembers(leader int) (members int) {
	for pid, p := range inSession(leader) {
		if pid == leader || p.dead() {
			continue
		}
		members++
		// Numbers are given out in turn: for this one to be somebody else's
		// by now, all the others would have to have been used up since.
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return members
}

// stat is what is read of a process.
type stat struct {
	name    string // the kernel's, at most 15 bytes
	state   byte   // the letter that ps shows
	session int
}

// dead reports whether the process only waits to be reaped.
func (s stat) dead() bool { return s.state == 'Z' || s.state == 'X' }

// inSession yields the processes of a session by their numbers.
func inSession(session int) iter.Seq2[int, stat] {
	return func(yield func(int, stat) bool) {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return
		}
		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			if err != nil {
				continue
			}
			if s, ok := readStat(pid); ok && s.session == session && !yield(pid, s) {
				return
			}
		}
	}
}

// readStat reads proc_pid_stat(5): pid (name) state ppid pgrp session …, where
// the name may hold anything.
func readStat(pid int) (s stat, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return s, false
	}
	begin, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	fields := bytes.Fields(text[end+1:])
	if begin < 0 || end < begin || len(fields) < 4 {
		return s, false
	}
	session, err := strconv.Atoi(string(fields[3]))
	return stat{name: string(text[begin+1 : end]), state: fields[0][0], session: session}, err == nil
}
