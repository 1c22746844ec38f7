package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The names under which this program plays its parts.
const (
	frontName = "conformance-front"
	enterName = "conformance-enter"
)

// Descriptors of front; those that the job is given come next.
const (
	reportFD = 3 + iota // where it writes its report
	gateFD              // passed on to enter
	lifeFD              // closed by the suite when the case is over
	keepFD
)

// Main plays the part that this process was started for, if it was; else it
// returns false.
func Main(args []string) (bool, error) {
	switch filepath.Base(args[0]) {
	case frontName:
		return true, front(args[1])
	case enterName:
		return true, enter(args[1])
	}
	return false, nil
}

// A report is how an init ended.
type report struct {
	Code   int      // exit code, or -1
	Signal int      // that ended it, or 0
	Left   []string // processes that it left (as a subreaper)
}

func (r report) String() string {
	if r.Signal != 0 {
		return fmt.Sprintf("killed by signal %d", r.Signal)
	}
	return fmt.Sprintf("exit code %d", r.Code)
}

// front starts enter, reports the end of what that became, and stays until the
// suite is done.
func front(path string) error {
	unix.CloseOnExec(reportFD)
	unix.CloseOnExec(lifeFD)
	s, err := readSetup(path)
	if err != nil {
		return err
	}
	files := []uintptr{0, 1, 2, gateFD}
	for i := range s.Keep {
		files = append(files, uintptr(keepFD+i))
	}
	sys := &syscall.SysProcAttr{}
	if s.Mode == Process1 {
		sys.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS
	}
	if s.Terminal.ofShell() {
		sys.Setpgid, sys.Foreground = true, s.Terminal == foreground
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{enterName, path}, &syscall.ProcAttr{Env: os.Environ(), Files: files, Sys: sys})
	if err != nil {
		return fmt.Errorf("start enter: %w", err)
	}
	if err := letGo(len(s.Keep)); err != nil {
		return err
	}
	go wait(pid, s.Mode)
	_, _ = unix.Read(lifeFD, make([]byte, 1))
	_ = unix.Kill(pid, unix.SIGKILL) // as process 1 it takes all others along
	return nil
}

// letGo leaves the job's descriptors to the init: a pipe ends when nobody has it
// open. The terminal stays front's as that of its session.
func letGo(keep int) error {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for fd := range 3 {
		if err := unix.Dup3(null, fd, 0); err != nil {
			return err
		}
	}
	_ = unix.Close(gateFD)
	for i := range keep {
		_ = unix.Close(keepFD + i)
	}
	return nil
}

// wait reaps what comes to front and reports the end of pid.
func wait(pid int, m Mode) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return
		}
		if got != pid {
			continue
		}
		r := report{Code: status.ExitStatus()}
		if status.Signaled() {
			r.Signal = int(status.Signal())
		}
		if m == Subreaper {
			r.Left = living()
		}
		if b, err := json.Marshal(r); err == nil {
			_, _ = unix.Write(reportFD, append(b, '\n'))
		}
	}
}

// living lists the other processes of the namespace that are not dead.
func living() (list []string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []string{err.Error()}
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err != nil || pid == os.Getpid() {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		text := string(stat)
		end := strings.LastIndexByte(text, ')')
		if end > 0 && !strings.HasPrefix(text[end:], ") Z") && !strings.HasPrefix(text[end:], ") X") {
			list = append(list, text[:end+1])
		}
	}
	return list
}
