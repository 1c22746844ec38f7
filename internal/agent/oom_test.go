package agent

import (
	"strings"
	"syscall"
	"testing"
)

// TestWantOfMemory is said where it is known, and where a KILL may be that.
func TestWantOfMemory(t *testing.T) {
	const killed, failed = syscall.WaitStatus(syscall.SIGKILL), syscall.WaitStatus(1 << 8)
	for name, tt := range map[string]struct {
		status        syscall.WaitStatus
		before, after int
		want          string
	}{
		"the job itself":       {killed, 1, 2, "the kernel has killed in this node's control group"},
		"one that it started":  {failed, 0, 1, "the kernel has killed"},
		"kill -9":              {killed, 1, 1, ""},
		"kill -9, or not":      {killed, -1, -1, "out of memory, or kill -9"},
		"TERM":                 {syscall.WaitStatus(syscall.SIGTERM), -1, -1, ""},
		"its own failure":      {failed, -1, -1, ""},
		"not known beforehand": {failed, -1, 3, ""},
	} {
		if got := wantOfMemory(tt.status, tt.before, tt.after); got != tt.want && (tt.want == "" || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
