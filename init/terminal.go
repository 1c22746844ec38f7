package pid1

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is what this process had in front of it when it began: the process
// group that was in the foreground, its own; 0 where there is no terminal, or
// another group has it.
type terminal struct{ group int }

func ownTerminal() terminal {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() {
		return terminal{}
	}
	return terminal{group: group}
}

// takeBack takes it back from a job that is gone and whose agent has not done
// so. Else the shell that started this process would be stopped as soon as it
// reads. Where another one has it now, it stays there.
func (t terminal) takeBack() {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	if t.group == 0 || err != nil || group == t.group || unix.Kill(-group, 0) != unix.ESRCH {
		return
	}
	// A background process that does this is stopped with TTOU, unless the
	// thread blocks that.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	block := unix.Sigset_t{Val: [16]uint64{uint64(setOf(syscall.SIGTTOU))}}
	var before unix.Sigset_t
	if unix.PthreadSigmask(unix.SIG_BLOCK, &block, &before) != nil {
		return
	}
	_ = unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, t.group)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
}
