package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// enter makes the world that a setup describes, and executes the init in this
// process. It writes its process number, as the suite sees it, to the gate,
// which closes when the init has been executed.
func enter(path string) error {
	gate, err := unix.FcntlInt(3, unix.F_DUPFD_CLOEXEC, 100)
	if err != nil {
		return err
	}
	err = enterWorld(path, gate)
	_, _ = unix.Write(gate, []byte("\n"+err.Error())) // it has not been executed
	return err
}

func enterWorld(path string, gate int) error {
	s, err := readSetup(path)
	if err != nil {
		return err
	}
	self, err := os.Readlink("/proc/self") // still the /proc that the suite sees
	if err != nil {
		return err
	}
	if _, err := unix.Write(gate, []byte(self+"\n")); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := s.session(); err != nil {
		return err
	}
	for range s.Dead {
		if err := dead(); err != nil {
			return err
		}
	}
	runtime.LockOSThread() // nice and the mask are a thread's
	if err := s.limits(); err != nil {
		return err
	}
	if err := s.descriptors(); err != nil {
		return err
	}
	file := string(s.Argv[0])
	if s.Direct {
		if file, err = exec.LookPath(file); err != nil {
			return err
		}
	}
	if err := s.signals(); err != nil {
		return err
	}
	return fmt.Errorf("execute %s: %w", file, syscall.Exec(file, toStrings(s.Argv), toStrings(s.Env)))
}

func (s setup) session() error {
	if s.Terminal.ofShell() {
		return nil // front leads it
	}
	if _, err := unix.Setsid(); err != nil {
		return fmt.Errorf("setsid: %w", err)
	}
	if s.Terminal == ownTerminal {
		if err := unix.IoctlSetInt(0, unix.TIOCSCTTY, 0); err != nil {
			return fmt.Errorf("get the terminal: %w", err)
		}
	}
	return nil
}

// dead leaves a dead child that nobody waits for.
func dead() error {
	pid, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{})
	if err != nil {
		return err
	}
	return unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
}

func (s setup) limits() error {
	if s.Files != nil {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: s.Files[0], Max: s.Files[1]}); err != nil {
			return fmt.Errorf("set the limit of files: %w", err)
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("set the limit of core files: %w", err)
	}
	if s.Umask != nil {
		unix.Umask(*s.Umask)
	} else {
		unix.Umask(0o22)
	}
	if s.Nice != 0 {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, s.Nice); err != nil {
			return fmt.Errorf("nice: %w", err)
		}
	}
	if s.OOM != 0 {
		if err := os.WriteFile("/proc/self/oom_score_adj", []byte(strconv.Itoa(s.OOM)), 0); err != nil {
			return err
		}
	}
	if s.Dir != "" {
		return os.Chdir(s.Dir)
	}
	return nil
}

// descriptors leaves open 0 to 2 and what the setup says.
func (s setup) descriptors() error {
	moved := make([]int, len(s.Keep))
	for i := range s.Keep {
		var err error
		if moved[i], err = unix.FcntlInt(uintptr(4+i), unix.F_DUPFD_CLOEXEC, 100); err != nil {
			return err
		}
	}
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close descriptors: %w", err)
	}
	for i, fd := range s.Keep {
		// Go's own descriptors are closed by executing; it makes none from here on.
		if err := unix.Dup3(moved[i], fd, 0); err != nil {
			return err
		}
	}
	for _, fd := range s.Closed {
		_ = unix.Close(fd)
	}
	return nil
}

// A sigaction is the kernel's, as far as all architectures have it alike.
type sigaction struct{ handler, flags, restorer, mask uintptr }

// signals sets every signal to default or ignored, and the mask. Go's own
// functions leave out those that its runtime wants.
func (s setup) signals() error {
	const sigDefault, sigIgnore = 0, 1
	action := func(sig int, handler uintptr) error {
		a := sigaction{handler: handler}
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&a)), 0, 8, 0, 0)
		if errno != 0 {
			return fmt.Errorf("set signal %d: %w", sig, errno)
		}
		return nil
	}
	for sig := 1; sig <= 64; sig++ {
		if sig == int(unix.SIGKILL) || sig == int(unix.SIGSTOP) {
			continue
		}
		if err := action(sig, sigDefault); err != nil {
			return err
		}
	}
	for _, sig := range s.Ignored {
		if err := action(sig, sigIgnore); err != nil {
			return err
		}
	}
	var mask unix.Sigset_t
	for _, sig := range s.Blocked {
		mask.Val[0] |= 1 << (sig - 1)
	}
	return unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil)
}
