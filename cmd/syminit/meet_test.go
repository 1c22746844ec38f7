package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A node that SYMINIT_HEAD means, and that has another rank than 0, or that can't
// reach such an address: it ends at once where that can't be, else with what may be
// wrong.
func TestHeadAgainstRank(t *testing.T) {
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		environ []string
		code    int
		says    string
	}{
		"can't be":     {[]string{"NNODES=2", "NODE_RANK=1", "MASTER_ADDR=203.0.113.1", "SYMINIT_HEAD=" + hostname}, 64, "SYMINIT_RANK is 1, from generic, which has rank 0 on 203.0.113.1; unset SYMINIT_HEAD"},
		"no such link": {[]string{"SYMINIT_NODES=2", "SYMINIT_HEAD=fe80::1%nope"}, 64, "SYMINIT_HEAD=fe80::1%nope: this host has no interface nope; write the one that leads to the head"},
		"may be":       {[]string{"SYMINIT_NODES=2", "SYMINIT_RANK=1", "SYMINIT_HEAD=127.0.0.1", "SYMINIT_JOIN_TIMEOUT=2s"}, 69, "SYMINIT_HEAD=127.0.0.1 means this host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(syminit(t), "true")
			cmd.Env = append(append(os.Environ(), "SYMINIT_TOKEN=00112233445566778899aabbccddeeff", "SYMINIT_RUNTIME=spmd", "SYMINIT_PORT="+freePort(t)), tt.environ...)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(string(out), tt.says) {
				t.Errorf("exit code %d, want %d; want it to say %q:\n%s", code, tt.code, tt.says, out)
			}
			if tt.code != 64 {
				return
			}
			cmd = exec.Command(syminit(t), "doctor")
			cmd.Env = append(append(os.Environ(), "SYMINIT_TOKEN=00112233445566778899aabbccddeeff", "SYMINIT_RUNTIME=spmd"), tt.environ...)
			if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "error: network: SYMINIT_HEAD=") {
				t.Errorf("doctor: %v:\n%s", err, out)
			}
		})
	}
}

// A host's own name may be anything.
func TestOddHostName(t *testing.T) {
	cmd := asProcess1(t, exec.Command("bash", "-c", `mount -t proc proc /proc; printf 'k\303\266 ln' >/proc/sys/kernel/hostname; exec "$@"`, "-", syminit(t), "true"))
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUTS
	cmd.Env = append(os.Environ(), "SYMINIT_TOKEN=00112233445566778899aabbccddeeff", "SYMINIT_RUNTIME=spmd", "SYMINIT_PORT="+freePort(t),
		"SYMINIT_NODES=2", "SYMINIT_ROLE=head", "SYMINIT_JOIN_TIMEOUT=1s")
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 69 || !strings.Contains(string(out), "k??ln; start syminit on the others") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
