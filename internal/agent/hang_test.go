package agent

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// hangingJob writes the number of its second thread to the file that it is
// given. A process whose thread a debugger doesn't let go is as hard to kill as
// one that hangs in a driver.
const hangingJob = `
import os, sys, threading, time
def hang():
    with open(sys.argv[1], "w") as f: f.write(str(threading.get_native_id()))
    time.sleep(1000)
threading.Thread(target=hang, daemon=True).start()
time.sleep(1000)
`

// TestJobThatHangs: the kernel doesn't end the job, and the node ends all the
// same, whether it was told to stop or the run is over.
func TestJobThatHangs(t *testing.T) {
	for _, name := range []string{"told to stop", "the run is over"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "thread")
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			link := &onlyLink{signals: make(chan syscall.Signal)}
			over := make(chan error)
			go func() {
				over <- Run(Config{
					Args: []string{"python3", "-c", hangingJob, path}, Environ: os.Environ(), Link: link, Log: zap.NewNop(),
					Settings: settings(t, "SYMINIT_STOP_TIMEOUT=1s"),
				})
			}()
			thread, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			hang(t, strings.TrimSpace(string(thread)))
			if name == "told to stop" {
				link.signals <- syscall.SIGTERM
			} else {
				close(link.signals) // what it has then is no STOP_TIMEOUT
			}
			if err := <-over; err != nil || link.code == 0 {
				t.Errorf("%v, code %d", err, link.code)
			}
		})
	}
}

// hang keeps a thread from being gone until the test is over.
func hang(t *testing.T, thread string) {
	t.Helper()
	tid, err := strconv.Atoi(thread)
	if err != nil {
		t.Fatal(err)
	}
	seized, release, released := make(chan error), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(released)
		runtime.LockOSThread() // the tracer; it ends with this
		seized <- unix.PtraceSeize(tid)
		<-release
		_, _ = unix.Wait4(tid, nil, unix.WALL, nil)
	}()
	if err := <-seized; err != nil {
		t.Fatalf("trace thread %d: %v", tid, err)
	}
	t.Cleanup(func() { close(release); <-released })
}
