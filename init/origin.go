package pid1

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Origin is what the caller of the supervisor made of this process and the Go
// runtime hides: all of it is the job's.
type Origin struct {
	Blocked Set    // signals
	Ignored Set    // signals
	Closed  uint64 // bit n: descriptor n, 0 to 2; the runtime opens /dev/null in its place
}

// Set is a set of signals: bit n-1 is signal n.
type Set uint64

// Has reports whether a signal is in the set.
func (set Set) Has(s syscall.Signal) bool { return s >= 1 && s <= 64 && set>>(s-1)&1 == 1 }

func setOf(list ...syscall.Signal) (set Set) {
	for _, s := range list {
		set |= 1 << (s - 1)
	}
	return set
}

func (o Origin) String() string {
	return fmt.Sprintf("%x,%x,%x", uint64(o.Blocked), uint64(o.Ignored), o.Closed)
}

func parseOrigin(text string) (o Origin, err error) {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return o, fmt.Errorf("%q: want three numbers", text)
	}
	var numbers [3]uint64
	for i, field := range fields {
		if numbers[i], err = strconv.ParseUint(field, 16, 64); err != nil {
			return o, err
		}
	}
	return Origin{Blocked: Set(numbers[0]), Ignored: Set(numbers[1]), Closed: numbers[2]}, nil
}

// origin is filled in by entry_linux_*.s before the Go runtime begins: the
// runtime puts its own handlers in the place of ignored signals and keeps no
// note that anybody may read (fwdSig in runtime/signal_unix.go; all but HUP and
// INT), opens /dev/null where a standard descriptor is closed (checkfds), and
// unblocks some signals.
//
// The entry also blocks every signal. The runtime starts its threads with the
// mask that it began with (initSigmask), so a signal waits in the kernel for
// intake from the first instruction on; but not one that would end a Go program
// (blockableSig). Of those the entry takes that property from HUP, INT, QUIT and
// TERM, in the runtime's own table, if that looks as it does in Go 1.26: else
// such a signal in the first millisecond, before anything here can subscribe to
// it, ends process 1 with 2. That needs the linker's -checklinkname=0. CHLD,
// URG, PROF, faults and 32 to 34 the runtime unblocks all the same.
var origin = struct {
	known, blocked, ignored, closed uint64

	action [4]uint64 // the kernel's struct sigaction
	every  uint64    // signal
}{every: ^uint64(0)}

// trueOrigin returns what this process was before the Go runtime began. A
// program that is built without the tag syminit_entry, as a test, knows what it can
// still see: of ignored signals HUP, INT, CONT, TSTP, TTIN, TTOU, 32 to 34, and
// of closed descriptors nothing.
func trueOrigin() Origin {
	if origin.known != 0 {
		return Origin{Blocked: Set(origin.blocked), Ignored: Set(origin.ignored), Closed: origin.closed}
	}
	return Origin{Blocked: blockedNow(), Ignored: stillIgnored()}
}

// blockedNow is what the calling thread, and with it all others, has blocked.
func blockedNow() Set {
	var set unix.Sigset_t
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, nil, &set) // it can't fail
	return Set(set.Val[0])
}

// stillIgnored is what the runtime has left ignored.
func stillIgnored() Set {
	status, _ := os.ReadFile("/proc/self/status")
	return statusSet(status, "SigIgn")
}

// statusSet reads a set of signals from /proc/PID/status.
func statusSet(status []byte, name string) (set Set) {
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			set = Set(n)
		}
	}
	return set
}
