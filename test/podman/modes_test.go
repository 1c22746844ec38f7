package podman

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestModes: whatever a container makes of process 1, of the user and of the
// file system, the job's code comes out, what it left behind is swept, and with
// the host's processes in sight none of them is touched: neither the same
// user's nor another's.
func TestModes(t *testing.T) {
	for _, e := range engines(t) {
		other := bystander(t, 65534)
		same := bystander(t, e.user)
		for _, mode := range [][]string{
			nil,
			{"--userns=keep-id"},
			{"--read-only"},
			{"--init"},
			{"--pid=host"},
			{"--pid=host", "--user", "1000:1000"},
		} {
			if e.name != "rootless" && slices.Contains(mode, "--userns=keep-id") {
				continue // it is for podman without root only
			}
			t.Run(e.name+" "+strings.Join(mode, " "), func(t *testing.T) {
				// A session of its own, in the background: what jobs leave behind.
				sweepsItsOwn(t, e.run(t, mode, "sh", "-c", "setsid sleep 1234 & exit 3"))
			})
			untouched(t, other, same)
		}
	}
}

// TestLikeApptainer: no process 1, no PID namespace, the host's environment, and
// the user's other processes and other users' around.
func TestLikeApptainer(t *testing.T) {
	engines(t)
	other, same := bystander(t, 65534), bystander(t, 4242)
	run := exec.Command("setpriv", "--reuid=4242", "--regid=4242", "--clear-groups",
		"unshare", "--user", "--map-current-user", "--mount", "../../bin/syminit", "sh", "-c", "setsid sleep 1234 & exit 3")
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "SYMINIT_") { // those of the tests
			run.Env = append(run.Env, entry)
		}
	}
	sweepsItsOwn(t, run)
	untouched(t, other, same)
}

func sweepsItsOwn(t *testing.T, run *exec.Cmd) {
	t.Helper()
	out, err := run.CombinedOutput()
	if got := code(err); got != 3 {
		t.Errorf("exit code %d, want 3", got)
	}
	for _, text := range []string{"processes are left", "the job exited with code 3"} {
		if !strings.Contains(string(out), text) {
			t.Errorf("it doesn't say %q", text)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// untouched checks that they have not ended; one that nobody has waited for yet
// is a zombie, whose state is in its stat file.
func untouched(t *testing.T, bystanders ...*exec.Cmd) {
	t.Helper()
	for _, p := range bystanders {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
		if err != nil || !strings.Contains(string(stat), ") S ") {
			t.Errorf("process %d of user %d is %q, %v", p.Process.Pid, p.SysProcAttr.Credential.Uid, stat, err)
		}
	}
}

// bystander is a process of the host that has nothing to do with any container.
func bystander(t *testing.T, user uint32) *exec.Cmd {
	t.Helper()
	p := exec.Command("sleep", "1234")
	p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	return p
}
