package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestDoctor examines this host, with settings of several kinds. A doctor joins
// nothing, so it ends by itself.
func TestDoctor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	const secret = "SYMINIT_TOKEN=00112233445566778899aabbccddeeff"
	for name, tt := range map[string]struct {
		environ []string
		args    []string
		code    int
		says    []string
	}{
		"wrong settings": {[]string{"SYMINIT_NODES=2", "SYMINIT_TOKN=x"}, nil, 1, []string{
			"error: settings: SYMINIT_TOKN: no such setting, did you mean SYMINIT_TOKEN?\n", "error: settings: SYMINIT_HEAD: not set", "next: set it to the same host",
		}},
		"the head, port taken": {[]string{"SYMINIT_NODES=2", "SYMINIT_HEAD=127.0.0.1", secret, "SYMINIT_PORT=" + taken}, nil, 1, []string{
			"part ", "the head: 127.0.0.1 is a loopback address", "error: ports: port " + taken + " is taken", "warning: settings: SYMINIT_HEAD=127.0.0.1 means", "SYMINIT_TOKEN=*** (environment)",
			"depends on the command; name it: syminit doctor -- COMMAND",
		}},
		"a worker, the head answers": {[]string{"SYMINIT_NODES=2", "SYMINIT_HEAD=127.0.0.1", "SYMINIT_ROLE=worker", secret, "SYMINIT_PORT=" + taken}, []string{"--", "vllm", "serve", "/no/model"}, 1, []string{
			"a worker: SYMINIT_ROLE=worker", "127.0.0.1 answers at port " + taken, "error: model: /no/model is not there",
		}},
		"odd letters": {[]string{"SYMINIT_RAY_BIN=/no/\x1b[31mray\n", "SYMINIT_HEAD=a\nb"}, nil, 1, []string{
			`SYMINIT_RAY_BIN="/no/\x1b[31mray" (environment)`, `SYMINIT_HEAD="a\nb" (environment)`, "error: settings: SYMINIT_HEAD=",
		}},
		"unknown head": {[]string{"SYMINIT_NODES=2", "SYMINIT_HEAD=no-such-host.invalid", secret}, nil, 1, []string{
			"error: network: the head's name no-such-host.invalid doesn't resolve", "next: set SYMINIT_HEAD to the head's address",
		}},
		"slurm": {[]string{
			secret, "SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURM_STEP_NUM_NODES=2", "SLURM_STEP_NUM_TASKS=2", "SLURM_NNODES=2",
			"SLURM_STEP_NODELIST=n[1-2]", "SLURM_NODEID=0", "SLURMD_NODENAME=n1",
		}, nil, -1, []string{"slurm: 2 nodes, this one has rank 0, the head is n1", "the head: SYMINIT_ROLE=head"}},
		"no Ray": {[]string{"SYMINIT_RUNTIME=ray", "SYMINIT_RAY_BIN=/no/ray"}, nil, 1, []string{"error: runtime: the image has no command /no/ray", "the only node"}},
		"another address": {[]string{"SYMINIT_NODES=2", "SYMINIT_HEAD=127.0.0.1", secret, "SYMINIT_NODE_IP=192.0.2.1"}, nil, 1, []string{
			"error: network: SYMINIT_NODE_IP=192.0.2.1 is not an address of this host", "next: correct it",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// In a container of its own, which no run of another test is in.
			cmd := asProcess1(t, exec.Command("bash", append([]string{"-c", `mount -t proc proc /proc; exec "$@"`, "-", syminit(t), "doctor"}, tt.args...)...))
			cmd.Env = append(os.Environ(), tt.environ...)
			out, err := cmd.Output()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			}
			if tt.code >= 0 && code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, says := range append(tt.says, "memory ") {
				if !strings.Contains(string(out), says) {
					t.Errorf("%q isn't said:\n%s", says, out)
				}
			}
			if strings.Contains(string(out), "00112233") {
				t.Error("the secret is shown")
			}
		})
	}
}

// TestDoctorBesideARun: that the run has its ports is not wrong.
func TestDoctorBesideARun(t *testing.T) {
	env := append(os.Environ(), "SYMINIT_NODES=2", "SYMINIT_HEAD=127.0.0.1", "SYMINIT_RUNTIME=spmd", "SYMINIT_TOKEN=00112233445566778899aabbccddeeff", "SYMINIT_PORT="+freePort(t))
	cmd := asProcess1(t, exec.Command("bash", "-c", `mount -t proc proc /proc; exec "$@"`, "-", syminit(t), "true"))
	cmd.Env = env
	s := start(t, cmd)
	s.await("status", func(says string) bool { return strings.Contains(says, "1/2 nodes are here") })
	out, _ := s.insideWith(env, "doctor")
	if strings.Contains(out, "ports:") || !strings.Contains(out, "one is here already: gathering; so its ports aren't looked at") {
		t.Errorf("doctor says:\n%s", out)
	}
	s.send(syscall.SIGTERM)
	s.end(143)
}
