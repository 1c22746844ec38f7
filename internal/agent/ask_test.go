package agent

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/status"
	"github.com/syminit/syminit/signals"
)

// TestServerIsToldAlone: vLLM's first process, as soon as there may be requests in
// flight; before, each of its processes.
func TestServerIsToldAlone(t *testing.T) {
	vllm := filepath.Join(t.TempDir(), "vllm")
	// A child that is stopped keeps what it is told, but not before it is.
	const script = `#!/usr/bin/env python3
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, lambda *_: None)
child = subprocess.Popen(["sleep", "1000"])
os.kill(child.pid, signal.SIGSTOP)
os.waitpid(child.pid, os.WUNTRACED)
with open(os.environ["UP"], "w") as up: up.write(str(child.pid))
while True: time.sleep(1000)
`
	if err := os.WriteFile(vllm, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	const closed = "127.0.0.1:1" // of no service any more, and the kernel gives it to none
	at := func(address string) server { return status.Health{URL: "http://" + address + "/health"} }
	for name, tt := range map[string]struct {
		server server
		alone  bool
	}{
		"starts":      {server: at(closed)},
		"serves":      {server: at(l.Addr().String()), alone: true},
		"not to know": {alone: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newStopRun(t, time.Minute)
			job, err := r.startJob(jobStop{server: tt.server}, func() (*launch.Process, error) {
				return launch.Start(launch.Command{Argv: []string{vllm, "serve", "m"}, Env: append(os.Environ(), "UP="+r.up)},
					launch.ProcessConfig{Name: "job", Log: zap.NewNop()})
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { job.Stop(0) })
			child, err := os.ReadFile(r.up)
			if err != nil {
				t.Fatal(err)
			}
			r.own <- syscall.SIGTERM
			r.own <- syscall.SIGWINCH // taken when the other has been sent
			status, err := os.ReadFile("/proc/" + string(child) + "/status")
			if err != nil {
				t.Fatal(err)
			}
			_, pending, _ := strings.Cut(string(status), "ShdPnd:\t")
			set, err := strconv.ParseUint(pending[:16], 16, 64)
			if told := set&(1<<(unix.SIGTERM-1)) != 0; err != nil || told == tt.alone {
				t.Errorf("a child was told to end: %t, %v", told, err)
			}
		})
	}
}

// TestAskingHoldsUpNothing: while the server is asked whether it has requests, the
// run goes on. It is asked about what ends it, and nothing else.
func TestAskingHoldsUpNothing(t *testing.T) {
	r := newStopRun(t, time.Minute)
	r.rewrites = signals.Rewrites{syscall.SIGINT: 0}
	asked := make(chan bool, 10)
	r.how = jobStop{server: askedServer(func() {
		free := r.mu.TryLock()
		if free {
			r.mu.Unlock()
		}
		asked <- free
	})}
	job := r.sh(t, "trap 'exit 5' TERM")
	for _, sig := range []syscall.Signal{syscall.SIGWINCH, syscall.SIGINT, syscall.SIGTERM} {
		r.own <- sig
	}
	if got := endOf(job).ExitStatus(); got != 5 {
		t.Errorf("the job exited with %d, want 5", got)
	}
	if !<-asked {
		t.Error("the server is asked with the lock held")
	}
	if len(asked) > 0 {
		t.Error("the server was asked more than once")
	}
}

// An askedServer takes requests, and is called when it is asked whether it does.
type askedServer func()

func (s askedServer) Listens() bool { s(); return true }
func (askedServer) Connected() bool { return false }
