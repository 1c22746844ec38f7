package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/test/need"
)

func TestMain(m *testing.M) {
	if part, err := Main(os.Args); part {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestSyminit asks syminit everything that it promises, in both modes.
func TestSyminit(t *testing.T) {
	needNamespaces(t)
	path, err := Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	syminit := Syminit(path)
	for _, mode := range Modes() {
		for _, c := range Cases() {
			if c.Beyond {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%s", mode, c.Theme, c.Name), func(t *testing.T) {
				t.Parallel()
				got := c.Ask(Subject{Init: syminit, Mode: mode, Dir: t.TempDir(), Patience: time.Minute})
				if got.NA != "" {
					t.Logf("not asked: %s", got.NA)
				}
				if len(got.Failures) > 0 {
					t.Error(strings.Join(got.Failures, "\n"))
				}
			})
		}
	}
}

func needNamespaces(t *testing.T) {
	t.Helper()
	cmd := exec.Command("mount", "-t", "proc", "proc", "/proc")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Unshareflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		need.Missing(t, "needs root and PID namespaces: %v: %s", err, out)
	}
}
