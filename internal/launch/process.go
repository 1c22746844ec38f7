package launch

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// killGrace is how long a process that was killed is waited for, or the rest of
// its session: what a KILL doesn't end by then hangs in the kernel.
const killGrace = 2 * time.Second

// ProcessConfig says how a process is looked after.
type ProcessConfig struct {
	Name string // of the process, in the log
	Log  *zap.Logger
	// TailLines is how many of its last lines of output are kept for Tail; the
	// output also goes to the log, at debug level. 0: the process has
	// syminit's own standard input, output and error, with nothing in between.
	TailLines int
	// Copied says that the output goes to syminit's own in place of the log, and
	// the process has syminit's input. What of these is a terminal stays the
	// process's own, and isn't kept.
	Copied bool
	// Group is syminit's process group: where that has the terminal, a
	// Foreground command gets it, and the group gets it back.
	Group int
	// Blocked are the signals that the process starts with blocked: bit n-1 is
	// signal n.
	Blocked uint64
	// Closed are the standard descriptors that it starts without, where it has
	// syminit's own: bit n is descriptor n.
	Closed uint64
	// OnStop, if not nil, is called when the process was stopped and the
	// terminal is, or is again, syminit's group's.
	OnStop func()
}

// Process is a started command: a process group, or a session.
type Process struct {
	pid      int
	session  bool
	terminal bool // the terminal is for the process group, where syminit has it
	caller   int  // syminit's process group, which gets it back
	onStop   func()
	log      *zap.Logger
	output   *output // nil where it is inherited
	hold     *hold   // nil where it goes on by itself
	done     chan struct{}

	mu     sync.Mutex // held while a signal is sent, and while the process is reaped
	reaped bool
	status syscall.WaitStatus
}

// Start starts a command in a process group of its own. It gets the
// descriptors from 3 on that syminit was given, and syminit's original limits
// and signal dispositions. The error is an *ExecError where it is the command's.
func Start(c Command, pc ProcessConfig) (*Process, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("start " + pc.Name + ": empty command")
	}
	argv := c.Argv
	if c.Held != nil {
		argv = c.Held
	}
	path, err := lookPath(argv[0], c.Env)
	if err != nil {
		return nil, err
	}
	p := &Process{session: c.Session, log: pc.Log.With(zap.String("process", pc.Name)), done: make(chan struct{}), caller: pc.Group, onStop: pc.OnStop}
	attr := &syscall.ProcAttr{
		Env: c.Env, Files: []uintptr{0, 1, 2},
		// It ends with syminit, even where that is killed.
		Sys: &syscall.SysProcAttr{Setpgid: !c.Session, Setsid: c.Session, Pdeathsig: syscall.SIGKILL},
	}
	for fd := range attr.Files {
		if pc.Closed>>fd&1 == 1 {
			attr.Files[fd] = ^uintptr(0) // none
		}
	}
	if pc.TailLines > 0 {
		closeFiles, err := p.capture(attr, pc)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", pc.Name, err)
		}
		defer closeFiles()
	}
	if c.Held != nil {
		stdin, err := p.keep()
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", pc.Name, err)
		}
		defer func() { _ = stdin.Close() }()
		attr.Files[0] = stdin.Fd()
	}
	p.terminal = c.Foreground && !c.Session
	started := make(chan error)
	go func() {
		// The kernel takes the end of this thread for the end of the parent. Never
		// unlocked, it ends with this function.
		runtime.LockOSThread()
		err := p.exec(path, argv, attr, pc.Blocked)
		started <- err
		if err == nil {
			p.wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, startError(pc.Name, argv[0], err)
	}
	if p.output != nil {
		p.output.read()
	}
	return p, nil
}

// exec executes the command with a thread's own signal mask, which children
// inherit.
func (p *Process) exec(path string, argv []string, attr *syscall.ProcAttr, blocked uint64) (err error) {
	var before unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{Val: [16]uint64{blocked}}, &before); err != nil {
		return fmt.Errorf("set the signal mask: %w", err)
	}
	p.pid, _, err = syscall.StartProcess(path, argv, attr)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	if err == nil && p.terminal && inForeground(p.caller) {
		p.foreground()
	}
	return err
}

// capture puts pipes in the place of the standard descriptors, and returns what
// closes syminit's copies of the child's ends.
func (p *Process) capture(attr *syscall.ProcAttr, pc ProcessConfig) (closeFiles func(), err error) {
	if pc.Copied {
		p.output = newOutput(pc.TailLines, func(string) {})
		return p.copied(attr)
	}
	p.output = newOutput(pc.TailLines, func(line string) { p.log.Debug(line) })
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	writer, err := p.output.pipe(nil)
	if err != nil {
		return nil, errors.Join(err, null.Close())
	}
	attr.Files = []uintptr{null.Fd(), writer.Fd(), writer.Fd()}
	return func() { _ = null.Close(); _ = writer.Close() }, nil
}

// copied is capture for output that goes on to syminit's own.
func (p *Process) copied(attr *syscall.ProcAttr) (closeFiles func(), err error) {
	var writers []*os.File
	closeFiles = func() {
		for _, w := range writers {
			_ = w.Close()
		}
	}
	for i, own := range []*os.File{os.Stdout, os.Stderr} {
		fd := uintptr(i + 1)
		if attr.Files[fd] != fd || isTerminal(fd) {
			continue // closed by the caller, or a terminal's
		}
		w, err := p.output.pipe(own)
		if err != nil {
			closeFiles()
			return nil, err
		}
		writers = append(writers, w)
		attr.Files[fd] = w.Fd()
	}
	return closeFiles, nil
}

// foreground gives the terminal to the process. That can't be done before it
// runs, so it may have been stopped by reading from a terminal that wasn't its
// own yet.
func (p *Process) foreground() {
	if err := giveTerminal(p.pid); err != nil {
		p.log.Warn("the command does not get the terminal", zap.Error(err))
		return
	}
	_ = unix.Kill(-p.pid, unix.SIGCONT)
}

// wait sees to the end of the process.
func (p *Process) wait() {
	defer close(p.done)
	// The dead process keeps its number, which is also its group's and its
	// session's, until it is reaped: till then these can't be mistaken.
	for awaitChange(p.pid) {
		// Without the terminal, as one that was started in the background hasn't
		// it, the process is stopped by what syminit is sent, with Ctrl-Z, and
		// hands on.
		if suspended := p.takeTerminal() || inForeground(p.caller); suspended && p.onStop != nil {
			p.onStop()
		}
	}
	p.takeTerminal()
	if p.session {
		killSession(p.pid)
	}
	if p.output != nil {
		p.output.finish()
	}
	p.Release()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.reaped = reap(p.pid), true
}

// takeTerminal reports whether it gave the terminal of this process to its
// caller. Where another one has it, as the shell that put all into the
// background, it stays there.
func (p *Process) takeTerminal() bool {
	if p.session || p.caller == 0 || !inForeground(p.pid) {
		return false
	}
	if err := giveTerminal(p.caller); err != nil {
		p.log.Debug("the terminal can't be taken back", zap.Error(err))
		return false
	}
	return true
}

// Continue has the process group go on that was stopped, in the foreground if
// syminit is there now.
func (p *Process) Continue() error {
	if p.terminal && p.caller != 0 && inForeground(p.caller) {
		if err := giveTerminal(p.pid); err != nil {
			p.log.Debug("the command does not get the terminal", zap.Error(err))
		}
	}
	return p.Signal(unix.SIGCONT)
}

// awaitChange waits until a child is dead, and leaves it to be reaped, or was
// stopped, which it reports.
func awaitChange(pid int) (stopped bool) {
	info, err := waitid(pid, unix.WEXITED|unix.WSTOPPED)
	if err != nil || info.Code != cldStopped {
		return false
	}
	// Told once is enough.
	_ = unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOHANG, nil)
	return true
}

// waitid asks for a child's change of state, and leaves it to be told of again. With
// WNOHANG the information may be empty.
func waitid(pid, options int) (info unix.Siginfo, err error) {
	for {
		err = unix.Waitid(unix.P_PID, pid, &info, options|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return info, err
		}
	}
}

// cldStopped is CLD_STOPPED of sigaction(2).
const cldStopped = 5

func reap(pid int) (status syscall.WaitStatus) {
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if !errors.Is(err, syscall.EINTR) {
			return status
		}
	}
}

// Pid is the process's, its group's, and its session's where it has its own.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the process has ended, and with it, if it had its own
// session, all of that. Others of its process group may still run.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the process itself has ended, of which Done tells a moment
// later.
func (p *Process) Ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return true
	}
	info, err := waitid(p.pid, unix.WEXITED|unix.WNOHANG)
	return err == nil && info.Signo != 0
}

// Status is how the process ended; valid once Done is closed.
func (p *Process) Status() syscall.WaitStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Tail returns the last lines of the output, oldest first; nil where the
// output isn't read.
func (p *Process) Tail() []string {
	if p.output == nil {
		return nil
	}
	return p.output.tail()
}

// Signal sends a signal to the process group. It returns os.ErrProcessDone
// after the end of the process.
func (p *Process) Signal(s syscall.Signal) error { return p.kill(-p.pid, s) }

func (p *Process) kill(pid int, s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return os.ErrProcessDone
	}
	return unix.Kill(pid, s)
}

// Stop ends the process, if p isn't nil: with TERM, and KILL where it still runs after the
// grace, at once where that is 0. It returns when the process has ended, or a
// little after the KILL where the kernel doesn't end it.
//
// With a session of its own only the process itself is sent the TERM, and the
// rest of the session is killed after it: Ray's processes take twice as long
// to end when all of them are told at once (2.4 to 3.5 s, against 1.2 to 2.4 s;
// with KILL at once 0.1 s).
func (p *Process) Stop(grace time.Duration) {
	if p == nil {
		return
	}
	if grace > 0 {
		target := -p.pid
		if p.session {
			target = p.pid
		}
		_ = p.kill(target, unix.SIGTERM)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.done:
			return
		case <-timer.C:
		}
	}
	_ = p.Signal(unix.SIGKILL)
	timer := time.NewTimer(killGrace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.log.Warn("killed, and not gone: it hangs in the kernel, as in a driver; going on without it", zap.Int("pid", p.pid))
	}
}

// startError tells an error of the command from one of the system.
func startError(name, command string, err error) error {
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM),
		errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("start %s: %w", name, err)
	}
	return &ExecError{Command: command, Code: codeNotExecutable, Err: err}
}
