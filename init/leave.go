package pid1

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Leave makes this process an ordinary one again, for a command that neither is
// a supervisor nor its agent: Ctrl-C and TERM end it at once, and a process that
// the calling goroutine starts has the signal mask that this one was given. The
// goroutine stays on its thread. What the entry has not changed, see origin,
// Leave leaves alone.
func Leave() {
	if origin.known == 0 {
		return
	}
	runtime.LockOSThread()
	for _, s := range deadly() {
		if !Set(origin.ignored).Has(s) {
			// os/signal has no way back to the default.
			var action [4]uint64 // the kernel's struct sigaction: SIG_DFL is 0
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, unsafe.Sizeof(origin.every), 0, 0)
		}
	}
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{Val: [16]uint64{origin.blocked}}, nil)
}
