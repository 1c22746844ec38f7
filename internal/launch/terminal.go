package launch

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// stdin is the descriptor whose terminal is given to the job.
const stdin = 0

// inForeground reports whether a process group is in the foreground of the
// terminal on standard input.
func inForeground(group int) bool {
	foreground, err := unix.IoctlGetInt(stdin, unix.TIOCGPGRP)
	return err == nil && foreground == group
}

// isTerminal reports whether a descriptor is a terminal.
func isTerminal(fd uintptr) bool {
	_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
	return err == nil
}

// giveTerminal puts a process group into the foreground of the terminal.
func giveTerminal(group int) error {
	// The kernel stops a background process that does this with TTOU, unless
	// the thread blocks the signal. Ignoring it would be inherited by children.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var block, before unix.Sigset_t
	block.Val[0] = 1 << (unix.SIGTTOU - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &block, &before); err != nil {
		return fmt.Errorf("block SIGTTOU: %w", err)
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	if err := unix.IoctlSetPointerInt(stdin, unix.TIOCSPGRP, group); err != nil {
		return fmt.Errorf("give the terminal to process group %d: %w", group, err)
	}
	return nil
}
