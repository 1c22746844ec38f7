package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/test/need"
)

// Two users; nobody else has these numbers.
const (
	runner = 61001 // whose run it is
	asker  = 61002
)

// asUser makes cmd another user's.
func asUser(cmd *exec.Cmd, id uint32) *exec.Cmd {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: id, Gid: id}
	return cmd
}

// enter is a command of syminit's in the container of s, as that user.
func enter(s *started, id int, verb string) *exec.Cmd {
	return exec.Command("nsenter", "--target", fmt.Sprint(s.Process.Pid), "--pid", "--mount",
		"--setuid", fmt.Sprint(id), "--setgid", fmt.Sprint(id), syminit(s.t), verb)
}

// gathering starts a run and returns its settings once it waits for a second node.
// ask is what asks it, as its user.
func gathering(t *testing.T, cmd *exec.Cmd, ask func(s *started) *exec.Cmd) (s *started, settings []string) {
	t.Helper()
	settings = append(os.Environ(), "SYMINIT_NODES=2", "SYMINIT_HEAD=127.0.0.1", "SYMINIT_RUNTIME=spmd",
		"SYMINIT_TOKEN=00112233445566778899aabbccddeeff", "SYMINIT_PORT="+freePort(t))
	cmd.Env = settings
	s = start(t, cmd)
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(time.Minute); ; {
		if out, _ := ask(s).CombinedOutput(); strings.Contains(string(out), "1/2 nodes are here") {
			return s, settings
		}
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatal("the run isn't gathering")
		}
	}
}

// controlGroup makes one for a test.
func controlGroup(t *testing.T) string {
	t.Helper()
	for _, top := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids"} {
		if _, err := os.Stat(top + "/cgroup.procs"); err != nil {
			continue
		}
		if dir := fmt.Sprintf("%s/syminit-test-%d", top, os.Getpid()); os.Mkdir(dir, 0o755) == nil {
			t.Cleanup(func() { _ = os.Remove(dir) }) // what was in it has ended
			return dir
		}
	}
	need.Missing(t, "needs control groups that may be made")
	return ""
}

// isOthers wants a doctor to see that the run on its host is another user's.
func isOthers(t *testing.T, says string) {
	t.Helper()
	if strings.Contains(says, "one is here already") || !strings.Contains(says, "error: ports: port ") || !strings.Contains(says, "another user's is on this host: syminit (process ") {
		t.Errorf("the doctor says:\n%s", says)
	}
}

// On a host that users share, another one's run is not this user's, nor root's: it
// hides no taken port. In a container it is the one run there, whoever asks.
func TestAnotherUsersRun(t *testing.T) {
	if os.Geteuid() != 0 {
		need.Missing(t, "needs root, to be other users")
	}
	if err := os.Chmod(filepath.Dir(syminit(t)), 0o755); err != nil {
		t.Fatal(err)
	}
	doctor := func(cmd *exec.Cmd, settings []string) string {
		cmd.Env = settings
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	t.Run("host", func(t *testing.T) {
		if pids, _ := os.Readlink("/proc/self/ns/pid"); pids != "pid:[4026531836]" {
			need.Missing(t, "needs a host: this is a container")
		}
		s, settings := gathering(t, asUser(exec.Command(syminit(t), "true"), runner), func(*started) *exec.Cmd {
			return asUser(exec.Command(syminit(t), "status"), runner)
		})
		// Root may have a run of its own on this host.
		isOthers(t, doctor(asUser(exec.Command(syminit(t), "doctor"), asker), settings))
		s.send(syscall.SIGTERM)
		s.end(143)
	})
	// As a host's that nobody else is on: what users share is not a container where
	// they have control groups of their own.
	t.Run("groups", func(t *testing.T) {
		cmd := exec.Command("bash", "-c", `echo $$ >"$1/cgroup.procs" && exec setpriv --reuid $0 --regid $0 --clear-groups "${@:2}"`,
			fmt.Sprint(runner), controlGroup(t), syminit(t), "true")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		s, settings := gathering(t, cmd, func(s *started) *exec.Cmd { return enter(s, runner, "status") })
		for _, user := range []int{asker, 0} {
			isOthers(t, doctor(enter(s, user, "doctor"), settings))
		}
		s.send(syscall.SIGTERM)
		s.end(143)
	})
	t.Run("container", func(t *testing.T) {
		cmd := exec.Command("bash", "-c", `mount --make-rprivate /; mount -t proc proc /proc; exec setpriv --reuid $0 --regid $0 --clear-groups "$@"`,
			fmt.Sprint(runner), syminit(t), "true")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
		s, settings := gathering(t, cmd, func(s *started) *exec.Cmd { return enter(s, runner, "status") })
		out := doctor(enter(s, asker, "doctor"), settings)
		if !strings.Contains(out, "one is here already: syminit (process ") || strings.Contains(out, "ports:") {
			t.Errorf("doctor says:\n%s", out)
		}
		s.send(syscall.SIGTERM)
		s.end(143)
	})
}
