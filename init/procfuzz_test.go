package pid1

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzOrigin: what the supervisor says of its caller is what the agent reads, and no
// text takes a set of signals from another line of /proc/PID/status.
func FuzzOrigin(f *testing.F) {
	f.Add(uint64(1<<14), uint64(0), uint64(7), "Name:\tSigIgn: f\nSigBlk:\t0000000000004000\n", "0,0")
	f.Add(^uint64(0), ^uint64(0), ^uint64(0), "SigIgn", "1,2,3,4")
	f.Add(uint64(0), uint64(1), uint64(0), "SigIgn:\nSigIgn: x\n", "-1,+1,10000000000000000")
	f.Fuzz(func(t *testing.T, blocked, ignored, closed uint64, status, text string) {
		want := Origin{Blocked: Set(blocked), Ignored: Set(ignored), Closed: closed}
		if o, err := parseOrigin(want.String()); err != nil || o != want {
			t.Errorf("%s was read as %s, %v", want, o, err)
		}
		if o, err := parseOrigin(text); err == nil && strings.Count(text, ",") != 2 {
			t.Errorf("%q was read as %s", text, o)
		}
		set := statusSet([]byte(status), "SigIgn")
		if !strings.Contains("\n"+status, "\nSigIgn:") && set != 0 {
			t.Errorf("%q: set %x", status, set)
		}
		// proc_pid_status(5)
		whole := fmt.Sprintf("%s\nSigPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\n", status, closed, blocked, ignored, closed)
		if b, i := statusSet([]byte(whole), "SigBlk"), statusSet([]byte(whole), "SigIgn"); b != Set(blocked) || i != Set(ignored) {
			t.Errorf("%q: blocked %x, ignored %x", whole, b, i)
		}
	})
}

// FuzzOutlives: whatever else is mounted, the last mount at a path says whose it is.
func FuzzOutlives(f *testing.F) {
	f.Add("25 1 0:23 / / rw - overlay overlay rw", "shm", "master:7", "30 25 0:26 / /proc rw - proc proc rw\n")
	f.Add("26 25 0:24 / /dev/shm rw shared:1 - tmpfs shm rw", "tmpfs", "", " - ")
	f.Add(" - \n - - ", "x", "shared:1 master:2", "1 2 3 4 /dev/shm -\n")
	f.Fuzz(func(t *testing.T, before, source, optional, after string) {
		if strings.ContainsAny(source+optional, "\n\r\t\v\f \u0085\u00a0") || strings.Fields(source) == nil || strings.ContainsRune(after, '/') {
			return // the kernel writes none such, and what follows may be another mount there
		}
		// proc_pid_mountinfo(5)
		mount := fmt.Sprintf("26 25 0:24 / %s rw,nosuid %s - tmpfs %s rw,size=65536k\n", sharedMemory, optional, source)
		if got := outlives([]byte(before+"\n"+mount+after), sharedMemory); got != (source != "shm") {
			t.Errorf("%q, %q, then %q: outlives is %t", before, mount, after, got)
		}
		if !strings.Contains(before, sharedMemory) && outlives([]byte(before), sharedMemory) {
			t.Errorf("%q has nothing at %s", before, sharedMemory)
		}
	})
}
