package agent

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/status"
)

// TestUnanswered: a server whose engine is gone takes no connections any more, and
// keeps those that it has. One that a client is connected to and that goes on
// listening may still answer.
func TestUnanswered(t *testing.T) {
	// On TERM it closes its port, and on USR1 its connection too.
	const server = `
import os, signal, socket, subprocess
listening = socket.create_server(("127.0.0.1", 0))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
with open(os.environ["UP"], "w") as up: up.write(str(listening.getsockname()[1]))
connection, _ = listening.accept()
engine = os.environ["ENGINE"] and subprocess.Popen([os.environ["ENGINE"], "1000"])
signal.sigwait({signal.SIGTERM})
if os.environ["CLOSES"]: listening.close()
signal.sigwait({signal.SIGUSR1})
if engine: engine.kill()
`
	for name, tt := range map[string]struct {
		closes string
		engine string
		code   int
	}{
		"stopped":            {closes: "1", code: 143},
		"drains":             {code: 0},
		"its engine answers": {closes: "1", engine: vllmEngine(t), code: 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newStopRun(t, time.Minute)
			health := &status.Health{}
			job, err := r.startJob(jobStop{abrupt: true, server: health}, func() (*launch.Process, error) {
				return launch.Start(launch.Command{Argv: []string{"python3", "-c", server}, Env: append(os.Environ(), "UP="+r.up, "CLOSES="+tt.closes, "ENGINE="+tt.engine)},
					launch.ProcessConfig{Name: "job", Log: zap.NewNop()})
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { job.Stop(0) })
			port, err := os.ReadFile(r.up)
			if err != nil {
				t.Fatal(err)
			}
			address := net.JoinHostPort("127.0.0.1", string(port))
			health.URL = "http://" + address + "/health"
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			r.own <- syscall.SIGTERM
			if tt.code == 0 {
				time.AfterFunc(unansweredAfter+time.Second, func() { _ = job.Signal(syscall.SIGUSR1) })
			}
			<-job.Done()
			o := (&node{stop: r.stopper}).jobOutcome(job)
			if o.Code != tt.code || !strings.Contains(o.Cause, "SIGTERM on node a") {
				t.Errorf("the run ended with %+v, want code %d", o, tt.code)
			}
		})
	}
}

// vllmEngine is a program that the kernel calls as it calls vLLM's engine, and that
// sleeps.
func vllmEngine(t *testing.T) string {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "VLLM::EngineCore")
	if err := os.WriteFile(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
