package pid1

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"
)

// Link is the agent's end of the link to the supervisor.
type Link struct {
	conn    conn
	origin  Origin
	signals chan syscall.Signal
	swept   chan struct{}
	guarded chan struct{} // closed when signals do to this process what they must
}

// Attach takes the link over that Run left to this process. It fails when Run
// did not start it. It must come before this process reads its environment and
// before it starts another one.
//
// A signal sent to the agent itself does nothing, for the supervisor's are the
// ones that count.
func Attach() (*Link, error) {
	fd, o, err := inherited()
	if err != nil {
		return nil, fmt.Errorf("this process is not the agent of a supervisor: %w", err)
	}
	unix.CloseOnExec(fd)
	l := &Link{
		conn:    conn{fd},
		origin:  o,
		signals: make(chan syscall.Signal),
		swept:   make(chan struct{}, 1),
		guarded: make(chan struct{}),
	}
	go func() {
		defer close(l.guarded)
		swallow()
		ignore(o.Ignored)
	}()
	go l.read()
	return l, nil
}

// inherited finds the descriptor of the link and what the supervisor's caller
// made of it, and takes both out of the environment.
func inherited() (int, Origin, error) {
	value, ok := os.LookupEnv(linkVariable)
	if !ok {
		return 0, Origin{}, fmt.Errorf("%s is not set", linkVariable)
	}
	if err := os.Unsetenv(linkVariable); err != nil {
		return 0, Origin{}, err
	}
	number, rest, _ := strings.Cut(value, ",")
	fd, err := strconv.Atoi(number)
	if err != nil {
		return 0, Origin{}, fmt.Errorf("%s: %w", linkVariable, err)
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err == nil && kind != unix.SOCK_SEQPACKET {
		err = errors.New("a socket of another type")
	}
	if err != nil {
		return 0, Origin{}, fmt.Errorf("%s=%d is no link: %w", linkVariable, fd, err)
	}
	o, err := parseOrigin(rest)
	if err != nil {
		return 0, o, fmt.Errorf("%s: %w", linkVariable, err)
	}
	return fd, o, nil
}

// swallow catches and drops every signal that would end or stop this process.
// They are blocked here, but not in the thread that starts a job, for as long
// as that takes. The others a Go program that does not subscribe to them
// ignores by itself (runtime/sigtab_linux_generic.go). Nobody reads the channel,
// and os/signal never waits for a reader.
func swallow() {
	signal.Notify(make(chan os.Signal, 1),
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE,
		syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU,
		syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE,
		syscall.SIGSEGV, syscall.SIGSTKFLT, syscall.SIGSYS)
}

// ignore ignores what the supervisor's caller ignored: so do then the processes
// that this one starts. It can't be done to CHLD, without which this process
// would not learn how its children end, nor to the signals of a fault: these
// are handled by default in the job.
func ignore(set Set) {
	for s := syscall.Signal(1); s <= 64; s++ {
		if set.Has(s) && s != syscall.SIGCHLD {
			signal.Ignore(s)
		}
	}
}

// Origin is what the job is to be given. It returns when this process is ready to
// start it: that takes longer than to read the settings, so it is done meanwhile.
func (l *Link) Origin() Origin {
	<-l.guarded
	return l.origin
}

func (l *Link) read() {
	defer close(l.signals)
	defer close(l.swept)
	for {
		m, err := l.conn.receive()
		if err != nil {
			return
		}
		if m.swept {
			l.swept <- struct{}{}
		}
		if m.signal != 0 {
			l.signals <- m.signal
		}
	}
}

// Signals hands out every signal that the supervisor got, in the order of
// arrival. It is closed when the supervisor is gone. Signals that nobody takes
// wait, in the end on the supervisor's side.
func (l *Link) Signals() <-chan syscall.Signal { return l.signals }

// Sweep has the supervisor end the processes that have lost their parents, and
// with them all that these started, and returns when they are gone: what one
// run left must not be in the next one's way. grace is between TERM and KILL.
// It must not be called twice at once.
func (l *Link) Sweep(grace time.Duration) error {
	if err := l.conn.send(message{sweep: &sweepOrder{grace: max(grace, 0)}}); err != nil {
		return fmt.Errorf("have the supervisor sweep: %w", err)
	}
	if _, ok := <-l.swept; !ok {
		return errors.New("have the supervisor sweep: it is gone")
	}
	return nil
}

// Suspend stops the supervisor, and it alone, until it gets CONT, for the shell
// that waits for it. Process 1 can't be stopped: there it does nothing.
func (l *Link) Suspend() error { return l.conn.send(message{suspend: true}) }

// LastLine gives the supervisor a line that is in the log already: it writes it once
// more where it has written something below it. What is beyond 2 KiB is left out.
func (l *Link) LastLine(level zapcore.Level, text string) error {
	if err := l.conn.send(message{last: &lastLine{level: level, text: text}}); err != nil {
		return fmt.Errorf("give the supervisor the log's last line: %w", err)
	}
	return nil
}

// Report tells the supervisor how things ended: the exit code, 0 to 255, and
// how long processes that are left have between TERM and KILL, 0 for KILL at
// once. The first report counts. It is the agent's last act: it must exit then,
// within a second or grace, whichever is longer.
func (l *Link) Report(code int, grace time.Duration) error {
	return l.report(outcome{Code: code, Grace: max(grace, 0)})
}

// ReportAndWait is Report, but what is left may go on: the supervisor waits until
// the last process has ended. A TERM or INT before that ends them, with the
// grace, and other signals are passed on to all of them.
func (l *Link) ReportAndWait(code int, grace time.Duration) error {
	if err := l.report(outcome{Code: code, Grace: max(grace, 0), Wait: true}); err != nil {
		return err
	}
	// The supervisor closes the link now. What it had sent before is its own again.
	for s := range l.signals {
		_ = unix.Kill(os.Getppid(), s)
	}
	return nil
}

func (l *Link) report(o outcome) error {
	if err := o.check(); err != nil {
		return fmt.Errorf("report the outcome: %w", err)
	}
	if err := l.conn.send(message{outcome: &o}); err != nil {
		return fmt.Errorf("report the outcome: %w", err)
	}
	return nil
}
