package launch

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/procstat"
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
	for _, p := range inSession(leader) {
		if p.PID == leader || p.Dead() {
			continue
		}
		members++
		// Numbers are given out in turn: for this one to be somebody else's
		// by now, all the others would have to have been used up since.
		_ = unix.Kill(p.PID, unix.SIGKILL)
	}
	return members
}

// inSession lists the processes of a session.
func inSession(session int) []procstat.Stat {
	all, _ := procstat.All() // where there is no /proc, none is known
	return slices.DeleteFunc(all, func(p procstat.Stat) bool { return p.Session != session })
}
