package pid1

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/signals"
)

// intake takes the signals sent to this process. Those that are blocked in all
// its threads come from the kernel's own queue: in its order, and each of the
// real-time ones as often as it was sent. Of the others os/signal tells, which
// would lose some of a burst.
type intake struct {
	origin  Origin // as it was before
	blocked Set
	caught  chan os.Signal
	late    chan syscall.Signal // what came when there was no agent any more
}

// newIntake catches the signals that are sent to end this process. That comes
// before all else: a Go program that is process 1 and not subscribed to TERM
// exits with 2 when one arrives. The rest waits until the agent has been started.
func newIntake() intake {
	in := intake{origin: trueOrigin(), caught: make(chan os.Signal, 64), late: make(chan syscall.Signal, 64)}
	// os.File makes this process end by SIGPIPE when its own output is broken,
	// if it isn't ignored. A blocked signal is queued though it is ignored.
	signal.Ignore(syscall.SIGPIPE)
	blocked := blockedNow()
	for _, s := range signals.Forwardable() {
		if blocked.Has(s) {
			in.blocked |= setOf(s)
		}
	}
	for _, s := range deadly() {
		if !in.blocked.Has(s) {
			in.catch(s)
		}
	}
	return in
}

// deadly are the signals that end a Go program which is not subscribed to them,
// and that people and engines send. entry_linux_*.s has the same four.
func deadly() []syscall.Signal {
	return []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM}
}

// catch is signal.Notify, but lets a signal stay ignored that was.
func (in intake) catch(list ...syscall.Signal) {
	for _, s := range list {
		if !signal.Ignored(s) {
			signal.Notify(in.caught, s)
		}
	}
}

// next waits for a signal. It fails only where the system call is forbidden.
func (in intake) next() (syscall.Signal, error) {
	var info siginfo
	for {
		s, _, errno := unix.Syscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&in.blocked)), uintptr(unsafe.Pointer(&info)), 0, unsafe.Sizeof(in.blocked), 0, 0)
		switch sig := syscall.Signal(s); {
		case errno == unix.EINTR, errno == 0 && info.own(sig):
		case errno != 0:
			return 0, fmt.Errorf("wait for signals: %w", errno)
		default:
			return sig, nil
		}
	}
}

// forward passes every signal on to the agent, for as long as there is one, and
// then to late. While the agent does not read, signals wait where they wait for
// any process that blocks them: in the kernel, most of them.
func (in intake) forward(link conn, log *zap.Logger) {
	go in.forwardCaught(link)
	if in.blocked == 0 {
		return
	}
	for {
		s, err := in.next()
		if err != nil {
			log.Error("signals don't reach the job", zap.Error(err))
			return
		}
		in.pass(link, s)
	}
}

func (in intake) pass(link conn, s syscall.Signal) {
	if link.send(message{signal: s}) == nil {
		return
	}
	select {
	case in.late <- s:
	default: // nobody listens
	}
}

// forwardCaught subscribes to the rest first: that takes longer than starting
// the agent does.
func (in intake) forwardCaught(link conn) {
	for _, s := range signals.Forwardable() {
		if !in.blocked.Has(s) {
			in.catch(s)
		}
	}
	for s := range in.caught {
		in.pass(link, s.(syscall.Signal))
	}
}

// siginfo is the head of the kernel's siginfo_t for a signal that was sent.
type siginfo struct {
	signal, errno, code, _ int32
	pid                    int32
	_                      [108]byte
}

// own reports whether this process itself caused the signal, by writing to a
// pipe that nobody reads.
func (i siginfo) own(s syscall.Signal) bool {
	return s == syscall.SIGPIPE && int(i.pid) == os.Getpid()
}
