package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/test/need"
)

// binary builds syminit as the Makefile does, once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "syminit")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "syminit")
	cmd := exec.Command("go", "build", "-tags", "syminit_entry", "-ldflags", "-E syminit_entry -checklinkname=0", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	// What "make test" sets for other tests would be settings that nobody knows.
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "SYMINIT_") {
			_ = os.Unsetenv(name)
		}
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func syminit(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// asProcess1 makes cmd process 1 of a PID namespace.
func asProcess1(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	attr := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	try := exec.Command("mount", "-t", "proc", "proc", "/proc")
	try.SysProcAttr = attr
	if out, err := try.CombinedOutput(); err != nil {
		need.Missing(t, "needs user namespaces (or root) and a /proc that may be mounted: %v: %s", err, out)
	}
	cmd.SysProcAttr = attr
	return cmd
}

// inBothWorlds runs f with a command that executes the shell script prelude, in
// which exec "$@" is syminit with args, as process 1 and as any other process.
func inBothWorlds(t *testing.T, f func(t *testing.T, command func(prelude string, args ...string) *exec.Cmd)) {
	command := func(prelude string, args ...string) *exec.Cmd {
		return exec.Command("bash", append([]string{"-c", prelude, "prelude"}, args...)...)
	}
	t.Run("process 1", func(t *testing.T) {
		f(t, func(prelude string, args ...string) *exec.Cmd {
			return asProcess1(t, command("mount -t proc proc /proc; "+prelude, args...))
		})
	})
	t.Run("subreaper", func(t *testing.T) { f(t, command) })
}

// What the caller has ignored, blocked or closed is so in the job, as if it had
// been started directly.
func TestJobStartsAsGiven(t *testing.T) {
	const job = `grep -E '^Sig(Blk|Ign)' /proc/self/status >&4; for fd in 0 1 2 3 5; do readlink /proc/$$/fd/$fd || echo no $fd; done >&4`
	inBothWorlds(t, func(t *testing.T, command func(string, ...string) *exec.Cmd) {
		for _, prelude := range []string{
			`exec "$@"`,
			`trap "" HUP INT QUIT ABRT USR1 USR2 PIPE ALRM TERM CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM WINCH IO PWR 35 64; exec "$@"`,
			`exec "$@" <&-`, `exec "$@" >&-`, `exec "$@" 2>&-`, `exec "$@" <&- >&- 2>&-`,
			`exec "$@" <>/dev/null >&0 2>&0`,
			`exec python3 -c 'import os, signal, sys
signal.pthread_sigmask(signal.SIG_SETMASK, set(range(1, 65)) - {32, 33})
os.execvp(sys.argv[1], sys.argv[1:])' "$@"`,
		} {
			of := func(args ...string) string {
				null, err := os.Open(os.DevNull)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = null.Close() }()
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				cmd := command(prelude, args...)
				cmd.ExtraFiles = []*os.File{null, w}
				err = cmd.Start()
				_ = w.Close()
				if err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				_, _ = out.ReadFrom(r)
				if err := cmd.Wait(); err != nil {
					t.Fatalf("%s: %v", prelude, err)
				}
				return regexp.MustCompile(`pipe:\[\d+\]`).ReplaceAllString(out.String(), "a pipe")
			}
			want := of("bash", "-c", job)
			if got := of(syminit(t), "bash", "-c", job); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", prelude, got, want)
			}
			if strings.Count(want, "\n") != 7 {
				t.Errorf("%s: the job told %q", prelude, want)
			}
		}
	})
}

// started is a running syminit; its log goes to a file, its job's output is read.
type started struct {
	*exec.Cmd
	t   *testing.T
	out *os.File
	log string
}

func start(t *testing.T, cmd *exec.Cmd) *started {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &started{Cmd: cmd, t: t, out: r, log: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	if cmd.Stderr == nil {
		cmd.Stderr = log
	}
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.SetReadDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = r.Close() })
	return s
}

// expect reads exactly the text from the job's descriptor 3.
func (s *started) expect(want string) {
	s.t.Helper()
	got := make([]byte, len(want))
	n, err := s.out.Read(got)
	for n < len(want) && err == nil {
		var more int
		more, err = s.out.Read(got[n:])
		n += more
	}
	if string(got[:n]) != want {
		log, _ := os.ReadFile(s.log)
		s.t.Fatalf("the job told %q (%v), want %q; log:\n%s", got[:n], err, want, log)
	}
}

func (s *started) send(sig syscall.Signal) {
	s.t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *started) end(code int) {
	s.t.Helper()
	if rest, err := io.ReadAll(s.out); len(rest) > 0 || err != nil {
		s.t.Errorf("the job told %q too (%v)", rest, err)
	}
	_ = s.Wait()
	if got := s.ProcessState.ExitCode(); got != code {
		log, _ := os.ReadFile(s.log)
		s.t.Errorf("%v, want exit code %d; log:\n%s", s.ProcessState, code, log)
	}
}

// Of a burst of real-time signals each one reaches the job.
func TestBurst(t *testing.T) {
	const burst = 2000
	inBothWorlds(t, func(t *testing.T, command func(string, ...string) *exec.Cmd) {
		s := start(t, command(`exec "$@"`, syminit(t), "python3", "-c", `import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {40, 41})
os.write(3, b"up")
n = 0
while signal.sigwaitinfo({40, 41}).si_signo == 40: n += 1
os.write(3, b"%d" % n)`))
		s.expect("up")
		for range burst {
			s.send(40)
		}
		s.send(41)
		s.expect(fmt.Sprint(burst))
		s.end(0)
	})
}

// When the agent is killed, so is the job, and PID 1 has its own code.
func TestAgentKilled(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, command func(string, ...string) *exec.Cmd) {
		s := start(t, command(`exec "$@"`, syminit(t), "bash", "-c",
			`[[ $(</proc/$PPID/comm) = syminit-agent ]] && echo up >&3; trap "" TERM; kill -KILL $PPID; sleep 1000; echo alive >&3`))
		s.expect("up\n")
		s.end(70)
	})
}

// A log that nobody reads holds up neither of the two processes.
func TestLogThatNobodyReads(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, command func(string, ...string) *exec.Cmd) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		cmd := command(`head -c 65536 /dev/zero >&2; exec "$@"`, syminit(t), "bash", "-c",
			`trap "" TERM; sleep 1000 & exit 3`)
		cmd.Env = append(os.Environ(), "SYMINIT_LOG_LEVEL=debug")
		cmd.Stderr = w
		s := start(t, cmd)
		_ = w.Close()
		s.end(3)
	})
}

// With WAIT_ALL the run lasts as long as what the command left behind, and ends
// with the command's code. Signals reach that, and TERM ends it.
func TestWaitAll(t *testing.T) {
	const service = `import os, signal
wanted = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
os.write(3, b"up\n")
while True:
    got = signal.sigwait(wanted)
    os.write(3, b"%s\n" % got.name.encode())
    if got != signal.SIGUSR1: break`
	inBothWorlds(t, func(t *testing.T, command func(string, ...string) *exec.Cmd) {
		for last, told := range map[syscall.Signal]string{syscall.SIGUSR2: "SIGUSR2\n", syscall.SIGTERM: "SIGTERM\n"} {
			cmd := command(`exec "$@"`, syminit(t), "bash", "-c", `setsid -f python3 -c "$0"; exit 3`, service)
			cmd.Env = append(os.Environ(), "SYMINIT_WAIT_ALL=true")
			s := start(t, cmd)
			s.expect("up\n")
			s.send(syscall.SIGUSR1)
			s.expect("SIGUSR1\n")
			s.send(last)
			s.expect(told)
			s.end(3)
		}
	})
}

// Neither process has more threads on a machine with many CPUs.
func TestThreads(t *testing.T) {
	s := start(t, exec.Command(syminit(t), "bash", "-c", `
		read -r _ _ _ supervisor _ </proc/$PPID/stat
		for pid in $PPID $supervisor; do
			threads=(/proc/$pid/task/*); (( ${#threads[@]} <= 14 )) && echo few || echo ${#threads[@]}
		done >&3`))
	s.expect("few\nfew\n")
	s.end(0)
	many := exec.Command(s.Path, s.Args[1:]...)
	many.Env = append(os.Environ(), "GOMAXPROCS=96") // as the runtime has it by default on so many CPUs
	s = start(t, many)
	s.expect("few\nfew\n")
	s.end(0)
}

// The environment is the caller's, byte for byte.
func TestEnvironment(t *testing.T) {
	env := []string{"A=1", "A=2", "", "no equals sign", "=x", "BYTES=\xff\x01", "PATH=" + os.Getenv("PATH"), "A=3"}
	out, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	// os/exec would leave names out that occur twice.
	p, err := os.StartProcess(syminit(t), []string{"syminit", "cat", "/proc/self/environ"}, &os.ProcAttr{Env: env, Files: []*os.File{nil, out, os.Stderr}})
	if err != nil {
		t.Fatal(err)
	}
	if state, err := p.Wait(); err != nil || !state.Success() {
		t.Fatal(state, err)
	}
	got, err := os.ReadFile(out.Name())
	if want := strings.Join(env, "\x00") + "\x00"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// A command that only shows something can be interrupted, here while nobody
// reads what it shows, and by nothing that its caller ignores.
func TestInterruptedCommand(t *testing.T) {
	for sig, verb := range map[syscall.Signal]string{syscall.SIGINT: "config", syscall.SIGTERM: "doctor"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		// What the tests run under may ignore these, as a shell's background does.
		cmd := exec.Command("env", "--default-signal=INT,TERM", "bash", "-c", `head -c 65536 /dev/zero; trap "" HUP; exec "$0" "$1"`, syminit(t), verb)
		cmd.Stdout = w
		err = cmd.Start()
		_ = w.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		poll := time.NewTicker(time.Millisecond)
		for ; !writes(cmd.Process.Pid); <-poll.C {
		}
		poll.Stop()
		for _, s := range []syscall.Signal{syscall.SIGHUP, sig} {
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
			t.Errorf("%v, want %s ended by %v", cmd.ProcessState, verb, sig)
		}
	}
}

// writes reports whether the process is syminit by now and one of its threads is
// in write(1, ...): Go's scheduler chooses which.
func writes(pid int) bool {
	if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(comm) != "syminit\n" {
		return false
	}
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	return slices.ContainsFunc(threads, func(thread string) bool {
		call, _ := os.ReadFile(thread)
		return bytes.HasPrefix(call, []byte("1 0x1 "))
	})
}
