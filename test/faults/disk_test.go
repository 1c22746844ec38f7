package faults

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

// fill writes until nothing more can be written where a node writes: TMPDIR,
// /dev/shm, and the folder of its log.
func (h *host) fill(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"/tmp", "/dev/shm", h.tmp} {
		f, err := os.OpenFile(fmt.Sprintf("/proc/%d/root%s/filler", h.cmd.Process.Pid, dir), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = f.Write(make([]byte, 1024))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("fill %s: %v", dir, err)
		}
		_ = f.Close()
	}
}
