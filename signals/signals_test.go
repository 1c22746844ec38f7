package signals_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/syminit/syminit/signals"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want syscall.Signal // 0: an error
	}{
		{"TERM", syscall.SIGTERM},
		{"SIGTERM", syscall.SIGTERM},
		{"sigterm", syscall.SIGTERM},
		{"15", syscall.SIGTERM},
		{"1", syscall.SIGHUP},
		{"64", 64},
		{"KILL", syscall.SIGKILL},
		{"RTMIN", 34},
		{"RTMIN+3", 37},
		{"SIGRTMIN+30", 64},
		{"RTMAX", 64},
		{"RTMAX-1", 63},
		{"RTMAX-30", 34},
		{"", 0},
		{"SIG", 0},
		{"0", 0},
		{"65", 0},
		{"-1", 0},
		{"+1", 0},
		{"256", 0},
		{"TERMINATE", 0},
		{"SIGSIGTERM", 0},
		{" TERM", 0},
		{"RTMIN+31", 0},
		{"RTMIN-1", 0},
		{"RTMIN3", 0},
		{"RTMIN+", 0},
		{"RTMIN++3", 0},
		{"RTMAX+1", 0},
		{"RTMAX-31", 0},
		{"RTMAX-255", 0},
		{"RT", 0},
	} {
		got, err := signals.Parse(c.in)
		if got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("Parse(%q) = %d, %v; want %d", c.in, got, err, c.want)
		}
		if err != nil && (!strings.Contains(err.Error(), `"`+c.in+`"`) || !strings.Contains(err.Error(), "1 to 64")) {
			t.Errorf("Parse(%q): %q names neither the value nor what is accepted", c.in, err)
		}
	}
}

func TestName(t *testing.T) {
	for s, want := range map[syscall.Signal]string{
		1: "SIGHUP", 9: "SIGKILL", 15: "SIGTERM", 29: "SIGIO", 31: "SIGSYS", 32: "SIG32",
		34: "SIGRTMIN", 35: "SIGRTMIN+1", 64: "SIGRTMIN+30", 0: "SIG0", 65: "SIG65",
	} {
		if got := signals.Name(s); got != want {
			t.Errorf("Name(%d) = %q, want %q", s, got, want)
		}
	}
	for s := syscall.Signal(1); s <= 64; s++ {
		if got, err := signals.Parse(signals.Name(s)); got != s || err != nil {
			t.Errorf("Parse(Name(%d)) = %d, %v", s, got, err)
		}
	}
}

func TestForwardable(t *testing.T) {
	list := signals.Forwardable()
	if len(list) != 64-8 {
		t.Errorf("%d signals, want 56", len(list))
	}
	for _, not := range []syscall.Signal{0, 9, 17, 19, 23, 27, 32, 33, 34, 65} {
		if slices.Contains(list, not) {
			t.Errorf("%s is in the list", signals.Name(not))
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		status syscall.WaitStatus // as wait(2) gives it on Linux
		want   int
	}{
		{0 << 8, 0},
		{3 << 8, 3},
		{255 << 8, 255},
		{9, 137},
		{15, 143},
		{11 | 0x80, 139}, // with a core dump
		{64, 192},
		{19<<8 | 0x7f, -1}, // stopped
		{0xffff, -1},       // continued
	} {
		if got := signals.ExitCode(c.status); got != c.want {
			t.Errorf("ExitCode(%#x) = %d, want %d", c.status, got, c.want)
		}
	}
}
