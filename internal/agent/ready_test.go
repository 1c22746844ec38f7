package agent

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// TestManagerHearsOfReadiness: of a server when it serves, of any other job when
// the run is up, and of each that it ends.
func TestManagerHearsOfReadiness(t *testing.T) {
	var serves atomic.Bool
	asked := make(chan struct{}, 1000)
	health := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !serves.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			asked <- struct{}{}
		}
	}))
	defer health.Close()
	_, port, _ := net.SplitHostPort(health.Listener.Addr().String())
	job := filepath.Join(t.TempDir(), "vllm")
	if err := os.WriteFile(job, []byte("#!/bin/sh\n[ $1 = bench ] || trap 'trap \"exit 3\" TERM' TERM\n: >$0.heeds\nwhile :; do sleep 0.05; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	socket := managersSocket(t)
	hears := func(want string) {
		t.Helper()
		_ = socket.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 100)
		n, err := socket.Read(buf)
		if got := string(buf[:n]); err != nil || got != want {
			t.Fatalf("the manager hears %q, %v, want %q", got, err, want)
		}
	}
	for _, args := range [][]string{{job, "serve", "m", "--port", port}, {job, "bench"}} {
		link := &onlyLink{signals: make(chan syscall.Signal)}
		over := make(chan error)
		core, seen := observer.New(zap.InfoLevel)
		go func() {
			over <- Run(Config{
				Args: args, Environ: []string{"PATH=/bin:/usr/bin"}, Link: link, Log: zap.New(core),
				Settings: settings(t, "SYMINIT_RUNTIME=spmd", "SYMINIT_PREFLIGHT=off"),
			})
		}()
		if args[1] == "serve" {
			for range 2 { // what is said after the first is said before the second
				select {
				case <-asked:
				case <-time.After(time.Minute):
					t.Fatal("the server isn't asked whether it serves")
				}
			}
			(&manager{log: zap.NewNop()}).tell("X_NOW=1") // and nothing before it
			hears("X_NOW=1")
			poll := time.NewTicker(10 * time.Millisecond)
			for _, err := os.Stat(job + ".heeds"); err != nil; _, err = os.Stat(job + ".heeds") {
				<-poll.C
			}
			poll.Stop()
			serves.Store(true)
		}
		hears("READY=1")
		link.signals <- syscall.SIGTERM
		hears("STOPPING=1")
		if err := <-over; err != nil || link.code == 0 {
			t.Errorf("%v, code %d", err, link.code)
		}
		// One that serves has longer before it is told again.
		if again := seen.FilterMessageSnippet("still runs 2s after SIGTERM").Len(); (again == 1) != (args[1] == "serve") {
			t.Errorf("%s: told again %d times, 2 s after", args[1], again)
		}
	}
}
