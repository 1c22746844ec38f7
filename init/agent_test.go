package pid1

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/signals"
)

// parts are what an agent does in a test. Each returns its own exit code, which
// must never matter.
var parts = map[string]func(*Link, []string) error{
	// exit CODE: no job at all.
	"exit": func(l *Link, args []string) error {
		code, err := strconv.Atoi(args[0])
		return errors.Join(err, l.Report(code, time.Hour))
	},
	// echo: tells every signal, ends with TERM.
	"echo": func(l *Link, _ []string) error {
		event("up")
		for s := range l.Signals() {
			event("got", signals.Name(s))
			if s == syscall.SIGTERM {
				return l.Report(143, time.Hour)
			}
		}
		event("closed")
		return nil
	},
	// run SCRIPT: a job; its end is the outcome.
	"run": func(l *Link, args []string) error {
		return l.Report(l.runScript(args[0]), time.Hour)
	},
	// leave GRACE SCRIPT: a job that nobody waits for; reports 3 at USR1.
	"leave": func(l *Link, args []string) error {
		return leave(l, args[0], script(args[1]))
	},
	// leave-stray GRACE MANNERS: the same with a stray, see strayMain.
	"leave-stray": func(l *Link, args []string) error {
		return leave(l, args[0], &exec.Cmd{Path: "/proc/self/exe", Args: []string{strayName, args[1]}})
	},
	// orphans SCRIPT: a job whose orphans must all be waited for by its end.
	"orphans": func(l *Link, args []string) error {
		code := l.runScript(args[0])
		poll := time.NewTicker(time.Millisecond)
		for ; zombies(os.Getppid()) > 0; <-poll.C {
		}
		return l.Report(code, time.Hour)
	},
	// sweep SCRIPT: has what the script leaves behind ended, while another child
	// lives; reports how many others are left.
	"sweep": func(l *Link, args []string) error {
		stays := script("exec sleep 1000")
		if err := stays.Start(); err != nil {
			return err
		}
		l.runScript(args[0])
		if err := l.Sweep(time.Hour); err != nil {
			return err
		}
		list, err := descendants{self: os.Getppid()}.list()
		for _, p := range list {
			if p.PID != os.Getpid() && p.PID != stays.Process.Pid {
				event("left:", p.String())
			}
		}
		return errors.Join(err, stays.Process.Kill(), l.Report(len(list), 0))
	},
	// hang: reports, but stays.
	"hang": func(l *Link, _ []string) error {
		if err := l.Report(3, 0); err != nil {
			return err
		}
		select {}
	},
	// close: leaves the link, but stays.
	"close": func(l *Link, _ []string) error {
		l.conn.stop()
		select {}
	},
	"panic": func(*Link, []string) error { panic("the agent's part") },
	"quit":  func(*Link, []string) error { return errors.New("without an outcome") },
	// garbage: what it sends is no message.
	"garbage": func(l *Link, _ []string) error {
		if _, err := unix.Write(l.conn.fd, []byte("{")); err != nil {
			return err
		}
		select {}
	},
	// direct SCRIPT: sends itself every signal before it runs the job.
	"direct": func(l *Link, args []string) error {
		_ = l.Origin() // from now on
		for _, s := range append(signals.Forwardable(), syscall.SIGPROF) {
			if err := syscall.Kill(os.Getpid(), s); err != nil {
				return err
			}
		}
		return l.Report(l.runScript(args[0]), time.Hour)
	},
}

func agentMain(part string, args []string) int {
	l, err := Attach()
	if err == nil {
		err = parts[part](l, args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		return 99
	}
	return 0
}

func leave(l *Link, grace string, cmd *exec.Cmd) error {
	d, err := time.ParseDuration(grace)
	if err := errors.Join(err, cmd.Start()); err != nil {
		return err
	}
	for <-l.Signals() != syscall.SIGUSR1 {
	}
	return errors.Join(l.LastLine(zapcore.InfoLevel, "run over: told"), l.Report(3, d))
}

// strayMain tells of every TERM, and ends at USR2 or as its manners demand. It
// is no shell, because a child that a shell has not executed yet may catch TERM
// with the shell's trap and forget it.
func strayMain(manners string) {
	caught := make(chan os.Signal, 8)
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGUSR2)
	event("ready")
	for s := range caught {
		if s == syscall.SIGUSR2 {
			return
		}
		event("told")
		switch manners {
		case "ends at TERM":
			return
		case "cleans up at TERM":
			_ = script("sleep 0.3; echo cleaned up >&3").Run()
			_ = script("exec sleep 1000").Start()
			return
		}
	}
}

func script(s string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", s, "job", "an argument")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

// runScript runs it with the signals blocked that the supervisor's caller blocked.
func (l *Link) runScript(s string) int {
	runtime.LockOSThread()
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{Val: [16]uint64{uint64(l.Origin().Blocked)}}, nil); err != nil {
		event(err.Error())
	}
	cmd := script(s)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		event(err.Error())
	}
	return signals.ExitCode(cmd.ProcessState.Sys().(syscall.WaitStatus))
}

func zombies(parent int) int {
	all, err := processes()
	if err != nil {
		event(err.Error())
	}
	return len(slices.DeleteFunc(all, func(p process) bool { return p.Parent != parent || !p.Dead() }))
}
