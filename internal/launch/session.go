package launch

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// sessionPoll is how often a killed session is looked at again.
	sessionPoll = 2 * time.Millisecond
	// sessionLimit is how long that goes on: what a KILL doesn't end by then
	// hangs in the kernel.
	sessionLimit = 2 * time.Second
)

// killSession kills every process of a session but its leader, until there is
// none left. The leader must not have been reaped, so that its number can't
// have become another session's.
func killSession(leader int) {
	tick := time.NewTicker(sessionPoll)
	defer tick.Stop()
	for deadline := time.Now().Add(sessionLimit); ; <-tick.C {
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
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == leader || !inSession(pid, leader) {
			continue
		}
		members++
		// Numbers are given out in turn: for this one to be somebody else's
		// by now, all the others would have to have been used up since.
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return members
}

// inSession reports whether a process belongs to a session and still runs.
func inSession(pid, session int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	// pid (name) state ppid pgrp session …, where the name may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 4 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
		return false
	}
	return string(fields[3]) == strconv.Itoa(session)
}
