package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// freePort returns a port that was free a moment ago. It is none of those that
// the kernel gives to connections, which the tests of other packages have by the
// thousand.
func freePort(t *testing.T) string {
	t.Helper()
	const first, end = 20000, 32768 // Linux's default range begins there
	for {
		port := fmt.Sprint(first + rand.IntN(end-first))
		l, err := net.Listen("tcp", ":"+port)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		return port
	}
}

// inside runs a command of syminit's in the container of s.
func (s *started) inside(command string) (out string, code int) {
	return s.insideWith(os.Environ(), command)
}

func (s *started) insideWith(environ []string, command string) (out string, code int) {
	cmd := exec.Command("nsenter", "--target", fmt.Sprint(s.Process.Pid), "--user", "--preserve-credentials", "--pid", "--mount", syminit(s.t), command)
	cmd.Env = environ
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// get asks the status server, and returns 0 where there is none.
func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// A container with a vLLM server in it is ready as long as that serves and
// nothing ends the run.
func TestReadiness(t *testing.T) {
	vllm, err := filepath.Abs("../../test/docker/jobs/healthy/vllm")
	if err != nil {
		t.Fatal(err)
	}
	status, port := freePort(t), freePort(t)
	for port == status {
		port = freePort(t)
	}
	address := "127.0.0.1:" + status
	cmd := asProcess1(t, exec.Command("bash", "-c", `mount -t proc proc /proc; SYMINIT_STATUS_ADDR=$0 exec "$@" >&3`,
		address, syminit(t), "python3", vllm, "serve", "m", "--port", port))
	cmd.Env = append(os.Environ(), "SYMINIT_STOP_TIMEOUT=1m") // for as long as this looks at the server that drains
	s := start(t, cmd)
	ready := func(want int, says string) {
		t.Helper()
		out, code := s.inside("health")
		if code != want || !strings.Contains(out, says) {
			t.Errorf("health ends with %d and says %q, want %d and %q", code, out, want, says)
		}
		wantCode := map[int]int{0: 200, 1: 503}[want]
		if code, body := get(t, "http://"+address+"/readyz"); code != wantCode || !strings.Contains(body, says) {
			t.Errorf("/readyz: %d %q, want %d and %q", code, body, wantCode, says)
		}
		if code, body := get(t, "http://"+address+"/healthz"); code != 200 {
			t.Errorf("/healthz: %d %q", code, body)
		}
		_, body := get(t, "http://"+address+"/metrics")
		if line := fmt.Sprintf("\nsyminit_ready %d\n", 1-want); !strings.Contains(body, line) {
			t.Errorf("no %q in %s", line, body)
		}
		var state struct {
			State, Runtime string
			Ready          bool
			Rank, Nodes    int
		}
		_, body = get(t, "http://"+address+"/status")
		if err := json.Unmarshal([]byte(body), &state); err != nil || state.Ready != (want == 0) || state.State != "running" || state.Runtime != "none" || state.Nodes != 1 {
			t.Errorf("/status: %v in %s", err, body)
		}
		if out, code := s.inside("status"); code != 0 || !strings.Contains(out, "state    running") || !strings.Contains(out, says) && want == 1 {
			t.Errorf("status ends with %d and says %s", code, out)
		}
	}
	s.expect("JOB up\n")
	s.await("health", func(says string) bool { return !strings.Contains(says, "syminit is starting") }) // the state is shown a moment later
	ready(1, "the job doesn't serve yet")
	s.send(syscall.SIGUSR1)
	s.expect("JOB serves\n")
	awaitReady(t, "http://"+address+"/readyz") // an answer holds for a second
	ready(0, "ready")
	s.send(syscall.SIGTERM)
	s.expect("JOB drains\n")
	ready(1, "the run ends: SIGTERM on node")
	s.send(syscall.SIGUSR1)
	s.end(0)
	if code, body := get(t, "http://"+address+"/healthz"); code != 0 {
		t.Errorf("/healthz of a node that is gone: %d %q", code, body)
	}
}

// await returns when what a command says inside is so.
func (s *started) await(command string, so func(says string) bool) {
	s.t.Helper()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(time.Minute); ; {
		out, _ := s.inside(command)
		if so(out) {
			return
		}
		select {
		case <-poll.C:
		case <-deadline:
			s.t.Fatalf("%s says %q for a minute", command, out)
		}
	}
}

// awaitReady returns when the server answers 200.
func awaitReady(t *testing.T, url string) {
	t.Helper()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for ; ; <-poll.C {
		switch code, body := get(t, url); code {
		case 200:
			return
		case 503:
		default:
			t.Fatalf("%s: %d %s", url, code, body)
		}
	}
}

// Without a run there is nothing to be ready.
func TestNothingToAsk(t *testing.T) {
	for _, command := range []string{"health", "status"} {
		cmd := asProcess1(t, exec.Command("bash", "-c", `mount -t proc proc /proc; "$@"`, "-", syminit(t), command))
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "no syminit runs a command here") {
			t.Errorf("%s: %v, %s", command, err, out)
		}
	}
}

// An address that can't be had is a wrong setting.
func TestStatusAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for addr, next := range map[string]string{
		l.Addr().String():  "free it, or set another one",
		"203.0.113.1:9090": "give an address of this host, or none", // which no host should have (RFC 5737)
	} {
		cmd := exec.Command(syminit(t), "true")
		cmd.Env = append(cmd.Environ(), "SYMINIT_STATUS_ADDR="+addr)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 64 || !strings.Contains(string(out), "SYMINIT_STATUS_ADDR="+addr) || !strings.Contains(string(out), next) {
			t.Errorf("exit code %d: %s", code, out)
		}
	}
}
