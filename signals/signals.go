// Package signals knows Linux's signals: which of them an init can pass on,
// what they are called, how they are rewritten, and which exit code a wait
// status stands for. It sends none and knows no process.
package signals

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	last  = syscall.Signal(64) // the kernel's highest
	rtMin = syscall.Signal(34) // as libc and shells count; the kernel's first two are libc's own
	rtMax = last
)

// Forwardable lists, lowest first, every signal that can be caught and passed
// on. Left out are
//   - KILL and STOP, which no process can catch;
//   - CHLD, which tells this process about its own children;
//   - URG, with which the Go runtime preempts its own threads;
//   - PROF, 32, 33 and 34, which the Go runtime keeps for itself and C libraries
//     (runtime/sigtab_linux_generic.go).
func Forwardable() []syscall.Signal {
	list := make([]syscall.Signal, 0, last)
	for s := syscall.Signal(1); s <= last; s++ {
		if forwardable(s) {
			list = append(list, s)
		}
	}
	return list
}

func forwardable(s syscall.Signal) bool {
	switch s {
	case syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPROF, 32, 33, 34:
		return false
	}
	return s >= 1 && s <= last
}

// Parse reads a signal as kill(1) takes it: TERM, SIGTERM, 15, RTMIN+3,
// RTMAX-1; upper or lower case. RTMIN is 34, as in libc and shells.
func Parse(name string) (syscall.Signal, error) {
	bare := strings.TrimPrefix(strings.ToUpper(name), "SIG")
	if s := unix.SignalNum("SIG" + bare); s != 0 {
		return s, nil
	}
	if s, ok := parseNumber(bare); ok && s >= 1 && s <= last {
		return s, nil
	}
	if s, ok := parseRealTime(bare); ok && s >= rtMin && s <= rtMax {
		return s, nil
	}
	return 0, fmt.Errorf("%.40q is no signal: want a name as TERM or RTMIN+3, or a number from 1 to %d", name, int(last))
}

func parseNumber(s string) (syscall.Signal, bool) {
	n, err := strconv.ParseUint(s, 10, 8)
	return syscall.Signal(n), err == nil
}

func parseRealTime(s string) (syscall.Signal, bool) {
	if rest, ok := strings.CutPrefix(s, "RTMIN"); ok {
		n, ok := parseOffset(rest, "+")
		return rtMin + n, ok
	}
	if rest, ok := strings.CutPrefix(s, "RTMAX"); ok {
		n, ok := parseOffset(rest, "-")
		return rtMax - n, ok
	}
	return 0, false
}

func parseOffset(s, sign string) (syscall.Signal, bool) {
	if s == "" {
		return 0, true
	}
	digits, signed := strings.CutPrefix(s, sign)
	n, ok := parseNumber(digits)
	return n, ok && signed
}

// Name is the signal's name, SIGTERM or SIGRTMIN+3, and SIG0, SIG32 and so on
// for a number without one. Parse reads it back.
func Name(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	switch {
	case s == rtMin:
		return "SIGRTMIN"
	case s > rtMin && s <= rtMax:
		return fmt.Sprintf("SIGRTMIN+%d", int(s-rtMin))
	}
	return fmt.Sprintf("SIG%d", int(s))
}

// AsksToEnd reports whether a signal asks a program to end, in order: TERM, as
// container engines and schedulers send it, and INT, as a terminal does.
func AsksToEnd(s syscall.Signal) bool { return s == syscall.SIGTERM || s == syscall.SIGINT }

// ExitCode is what a shell would report for a process that ended so: its exit
// status, or 128 + n when signal n killed it. It is -1 for a process that was
// stopped or continued, which is no end.
func ExitCode(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}
