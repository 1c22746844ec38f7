package launch

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/procstat"
)

// TestAsk: vLLM's first process alone is told to end, however it was started;
// of any other command each process.
func TestAsk(t *testing.T) {
	dir := t.TempDir()
	// A child that is stopped keeps what it is told, but not before it is.
	const script = "#!/bin/sh\nsleep 1000 & kill -STOP $!; echo $!; trap 'exit 3' TERM; while :; do wait; done\n"
	const module = `
import os, signal, subprocess, time
child = subprocess.Popen(["sleep", "1000"])
os.kill(child.pid, signal.SIGSTOP)
print(child.pid, flush=True)
time.sleep(1000)
`
	for path, text := range map[string]string{
		"bin/vllm": "#!/usr/bin/env python3\n" + module, "bin/other": script, "bin/scripted/vllm": script, "bin/wrapper": "#!/bin/sh\n\"$@\"\nexit\n",
		"vllm/entrypoints/openai/api_server.py": module, "vllm/entrypoints/cli/main.py": module, "wrapper.py": module,
	} {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	vllm, wrapper := filepath.Join(dir, "bin/vllm"), filepath.Join(dir, "bin/wrapper")
	for name, tt := range map[string]struct {
		argv  []string
		alone bool
	}{
		"vllm serve":      {[]string{vllm, "serve", "m"}, true},
		"while it starts": {[]string{vllm, "serve", "m"}, false},
		"with env":        {[]string{"env", "A=1", vllm, "serve", "m"}, true},
		"the module":      {[]string{"python3", "-u", "-m", "vllm.entrypoints.openai.api_server", "--model", "m"}, true},
		"its command":     {[]string{"python3", "-m", "vllm.entrypoints.cli.main", "serve", "m"}, true},
		"another module":  {[]string{"python3", "-m", "wrapper", vllm, "serve", "m"}, false},
		"as an argument":  {[]string{"sh", "-c", strings.TrimPrefix(script, "#!/bin/sh\n"), "vllm", "serve"}, false},
		"another":         {[]string{filepath.Join(dir, "bin/other"), "serve", "m"}, false},
		"not its server":  {[]string{vllm, "bench", "m"}, false},
		"one that waits":  {[]string{"unshare", "--fork", vllm, "serve", "m"}, false},
		"a script":        {[]string{filepath.Join(dir, "bin/scripted/vllm"), "serve", "m"}, false},
		"a wrapper":       {[]string{wrapper, vllm, "serve", "m"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inFlight := name != "while it starts"
			p := start(t, Command{Argv: tt.argv, Env: []string{"PATH=" + os.Getenv("PATH"), "PYTHONPATH=" + dir}})
			child := printedPid(t, p)
			eventually(t, "its child is stopped", func() bool { s, _ := procstat.Read(child); return s.State == 'T' })
			if err := p.Ask(syscall.SIGTERM, inFlight); err != nil {
				t.Fatal(err)
			}
			told := pending(t, child)&(1<<(unix.SIGTERM-1)) != 0
			_ = p.Signal(unix.SIGKILL)
			waitDone(t, p)
			if told == tt.alone {
				t.Errorf("a child was told to end: %t", told)
			}
		})
	}
}

// TestAskOfAStoppedOne: it ends, as one that was stopped with Ctrl-Z in a container,
// where no shell continues it.
func TestAskOfAStoppedOne(t *testing.T) {
	p := start(t, Command{Argv: []string{"sh", "-c", "trap 'exit 5' TERM; echo $$; kill -STOP $$; while :; do :; done"}, Env: []string{"PATH=" + os.Getenv("PATH")}})
	printedPid(t, p)
	eventually(t, "it is stopped", p.stopped)
	if err := p.Ask(syscall.SIGTERM, true); err != nil {
		t.Fatal(err)
	}
	waitDone(t, p)
	if code := p.Status().ExitStatus(); code != 5 {
		t.Errorf("it ended with %d, want 5", code)
	}
}

// pending returns the signals that wait for a process: bit n-1 is signal n.
func pending(t *testing.T, pid int) (set uint64) {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if bits, ok := strings.CutPrefix(line, "ShdPnd:"); ok {
			if set, err = strconv.ParseUint(strings.TrimSpace(bits), 16, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return set
}
