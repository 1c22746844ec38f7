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

	"golang.org/x/sys/unix"
)

// A shell is an interactive one on a terminal of its own.
type shell struct {
	t   *testing.T
	pty *os.File
}

func newShell(t *testing.T) *shell {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pty.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if cerr := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tty.Close() }()
	// What the tests run under may ignore these, as a shell's background does.
	cmd := exec.Command("env", "--default-signal=HUP,INT,QUIT", "bash", "--norc", "--noprofile", "-i")
	cmd.Env = append(os.Environ(), "PS1=ready> ", "TERM=dumb", "syminit="+syminit(t))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = pty.Close() })
	return &shell{t: t, pty: pty}
}

func (s *shell) write(text string) {
	s.t.Helper()
	if _, err := s.pty.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// resize gives the terminal so many columns.
func (s *shell) resize(columns uint16) {
	s.t.Helper()
	raw, err := s.pty.SyscallConn()
	if err != nil {
		s.t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns})
	}); cerr != nil || err != nil {
		s.t.Fatal(cerr, err)
	}
}

// expect reads until the text appears, and returns what it has read.
func (s *shell) expect(text string) string {
	s.t.Helper()
	_ = s.pty.SetReadDeadline(time.Now().Add(30 * time.Second))
	buf := make([]byte, 1)
	var got strings.Builder
	for !strings.Contains(got.String(), text) {
		if _, err := s.pty.Read(buf); err != nil {
			s.t.Fatalf("the terminal shows %q, want %q (%v)", got.String(), text, err)
		}
		got.Write(buf)
	}
	return got.String()
}

// Ctrl-Z gives the terminal back to the shell, and fg gives it to the job again.
// A thread waits for the CONT: a handler would wait itself where the signal comes
// just before the read.
func TestSuspendAndResume(t *testing.T) {
	s := newShell(t)
	s.expect("ready> ")
	s.write(`$syminit python3 -c '
import os, signal, sys, threading
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
def say():
    while True: os.write(1, b"u" + b"p\n"); signal.sigwait({signal.SIGCONT})
threading.Thread(target=say, daemon=True).start()
print("g" + "ot", input()); sys.exit(5)'` + "\n")
	for range 3 {
		s.expect("up")
		s.write("\x1a")
		s.expect("Stopped")
		s.expect("ready> ")
		s.write("echo the sh\"\"ell\n")
		s.expect("the shell")
		s.write("fg\n")
	}
	s.expect("up")
	s.write("a line\n")
	s.expect("got a line")
	s.write("echo code $?.\n")
	s.expect("code 5.")
}

// What was started in the background, and has come into the foreground since, is
// stopped by Ctrl-Z as well. A shell sends no CONT to what runs already.
func TestSuspendAfterTheBackground(t *testing.T) {
	s := newShell(t)
	s.expect("ready> ")
	s.write(`$syminit python3 -c '
import os, signal, time
front = lambda: open("/proc/self/stat").read().split()[7]
signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"u" + b"p\n"))
shell = front(); print("back" + "ground", flush=True)
while front() == shell: time.sleep(0.01)
print("fore" + "ground", flush=True)
while True: time.sleep(1)' &` + "\n")
	s.expect("background")
	s.write("fg\n")
	s.expect("foreground")
	s.write("\x1a")
	s.expect("Stopped")
	s.expect("ready> ")
	s.write("fg\n")
	s.expect("up")
	s.write("\x03")
	s.expect("ready> ")
	s.write("echo code $?.\n")
	s.expect("code 130.")
}

// Ctrl-C reaches the job once, and the shell has the terminal again.
func TestInterrupt(t *testing.T) {
	s := newShell(t)
	s.expect("ready> ")
	s.write(`$syminit bash -c 'trap "echo i""nt; n=1" INT; echo u""p; while [ -z $n ]; do sleep 0.1; done; read x; exit 6'` + "\n")
	s.expect("up")
	s.write("\x03")
	s.expect("int")
	s.write("1\n")
	s.expect("ready> ")
	s.write("echo code $?.\n")
	s.expect("code 6.")
}

// Ctrl-C ends a server in order, and Ctrl-Z gives the terminal back to the shell,
// though the server never has it.
func TestServerOnATerminal(t *testing.T) {
	vllm := filepath.Join(t.TempDir(), "vllm")
	const script = `#!/usr/bin/env python3
import signal
told = {signal.SIGCONT, signal.SIGINT}
signal.pthread_sigmask(signal.SIG_BLOCK, told)
while True:
    print("u" + "p", flush=True)
    if signal.sigwait(told) == signal.SIGINT: break
`
	if err := os.WriteFile(vllm, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	s.expect("ready> ")
	s.write("$syminit " + vllm + " serve m\n")
	for range 2 {
		s.expect("up")
		s.write("\x1a")
		s.expect("Stopped")
		s.expect("ready> ")
		s.write("fg\n")
	}
	s.expect("up")
	s.write("\x03")
	s.expect("ready> ")
	s.write("echo code $?.\n")
	s.expect("code 0.")
}

// Even when the agent is killed, the shell has the terminal again.
func TestTerminalOfADeadAgent(t *testing.T) {
	s := newShell(t)
	s.expect("ready> ")
	// The shell itself would take the terminal back from a job of its own.
	s.write(`set +m; $syminit bash -c 'read x; kill -KILL $PPID; sleep 1000'; read -t 10 y; echo y is $y.` + "\n")
	s.write("1\n")
	s.expect("syminit: run over: the agent ended")
	s.write("mine\n")
	s.expect("y is mine.")
}

// The line that says what is waited for fits into the terminal, so that each time
// it takes the place of the one before.
func TestLiveLineFits(t *testing.T) {
	s := newShell(t)
	s.expect("ready> ")
	s.resize(40)
	s.write("SYMINIT_NODES=2 SYMINIT_ROLE=worker SYMINIT_HEAD=127.0.0.1 SYMINIT_RUNTIME=spmd SYMINIT_TOKEN=00112233445566778899aabbccddeeff SYMINIT_JOIN_TIMEOUT=3s SYMINIT_PORT=" + freePort(t) + " $syminit true; echo co\"\"de $?.\n")
	lines := strings.Split(s.expect("code 69."), "\r\x1b[K")[1:]
	shown := 0
	for _, line := range lines {
		if line, _, logged := strings.Cut(line, "\n"); strings.HasPrefix(line, "syminit (") && !logged {
			if shown++; len(line) != 39 {
				t.Errorf("%d columns: %q", len(line), line)
			}
		}
	}
	if shown == 0 {
		t.Errorf("no live line in %q", lines)
	}
}
