package procstat

import (
	"os"
	"slices"
	"syscall"
	"testing"
)

func TestParse(t *testing.T) {
	const rest = " S 7 41 43 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654321012 1 1\n"
	for _, name := range []string{"sh", "", "a b", ") S 1 (", "(((", "x\ny", "\xff"} {
		s, err := parse([]byte("42 (" + name + ")" + rest))
		if want := (Stat{PID: 42, Name: name, State: 'S', Parent: 7, Session: 43, Started: 987654321012}); err != nil || s != want {
			t.Errorf("%q: %+v, %v", name, s, err)
		}
	}
	for _, bad := range []string{"", "42", "42 (sh)", "42 )sh(" + rest, "42 (sh) S 7", "x (sh)" + rest, "42 (sh) S x" + rest[4:]} {
		if s, err := parse([]byte(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, s)
		}
	}
}

func TestThisProcess(t *testing.T) {
	self, err := Read(os.Getpid())
	session, _, _ := syscall.Syscall(syscall.SYS_GETSID, 0, 0, 0)
	if err != nil || self.Parent != os.Getppid() || self.Session != int(session) || self.Dead() || self.Started == 0 {
		t.Errorf("this process: %+v, %v", self, err)
	}
	all, err := All()
	if err != nil || !slices.ContainsFunc(all, func(s Stat) bool { return s.PID == self.PID && s.Started == self.Started }) {
		t.Errorf("this process isn't among %d, error %v", len(all), err)
	}
}

func TestThreads(t *testing.T) {
	threads, err := Threads(os.Getpid())
	if err != nil || !slices.ContainsFunc(threads, func(s Stat) bool { return s.PID == os.Getpid() }) {
		t.Errorf("this process isn't among its threads: %+v, error %v", threads, err)
	}
	if _, err := Threads(0); err == nil {
		t.Error("no process has threads")
	}
}
