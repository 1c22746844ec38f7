package pid1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/signals"
	"github.com/syminit/syminit/test/need"
)

// The tests run real processes: this test binary, executed again under the name
// of the part it plays.
const (
	supervisorName = "pid1-supervisor"
	agentName      = "pid1-agent"
	strayName      = "pid1-stray"
	eventsFD       = 3 // a pipe to the test that every process of a run inherits
	patience       = time.Minute
)

func TestMain(m *testing.M) {
	// Under the race detector a process takes a second more to exit, if not told otherwise.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	switch filepath.Base(os.Args[0]) {
	case supervisorName:
		os.Exit(supervisorMain(os.Args[1:]))
	case agentName:
		os.Exit(agentMain(os.Args[1], os.Args[2:]))
	case strayName:
		strayMain(os.Args[1])
		return
	}
	os.Exit(m.Run())
}

// event tells the test that something has happened.
func event(words ...string) {
	_, _ = unix.Write(eventsFD, []byte(strings.Join(words, " ")+"\n"))
}

func supervisorMain(args []string) int {
	if os.Getpid() == 1 {
		if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
			event("mount /proc:", err.Error())
		}
	}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(os.Stderr), zap.DebugLevel)
	path := "/proc/self/exe"
	if args[0] == "no-agent" {
		path = "/nonexistent/agent"
	}
	in := newIntake()
	// Without the assembly of origin.go, what comes before forward has subscribed to
	// it is lost, and a test doesn't know when that is.
	in.catch(signals.Forwardable()...)
	event("armed")
	code := run(Config{
		Agent: append([]string{agentName}, args...),
		Path:  path,
		Env:   os.Environ(),
		Log:   zap.New(core),
		Grace: 50 * time.Millisecond,
	}, in)
	if !(descendants{}).empty() {
		event("a child is left")
	}
	return code
}

// world is where a supervisor runs: as process 1 of a PID namespace, or as any
// other process.
type world struct{ namespace bool }

// inBothWorlds runs a test as process 1 and as a subreaper.
func inBothWorlds(t *testing.T, f func(*testing.T, world)) {
	t.Run("process 1", func(t *testing.T) {
		needNamespaces(t)
		f(t, world{namespace: true})
	})
	t.Run("subreaper", func(t *testing.T) { f(t, world{}) })
}

func needNamespaces(t testing.TB) {
	t.Helper()
	cmd := exec.Command("mount", "-t", "proc", "proc", "/proc")
	cmd.SysProcAttr = world{namespace: true}.attr()
	if out, err := cmd.CombinedOutput(); err != nil {
		need.Missing(t, "needs user namespaces (or root) and a /proc that may be mounted: %v: %s", err, out)
	}
}

func (w world) attr() *syscall.SysProcAttr {
	if !w.namespace {
		return nil
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
}

// command is a supervisor that is not started yet; args are the agent's part
// and its arguments.
func (w world) command(args ...string) *exec.Cmd {
	return &exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        append([]string{supervisorName}, args...),
		SysProcAttr: w.attr(),
	}
}

// shell is a shell that runs prelude, in which exec "$@" is the supervisor.
func (w world) shell(t testing.TB, prelude string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	supervisor := filepath.Join(t.TempDir(), supervisorName)
	if err := os.Symlink(self, supervisor); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", append([]string{"-c", prelude, "prelude", supervisor}, args...)...)
	cmd.SysProcAttr = w.attr()
	return cmd
}

// subject is a running supervisor.
type subject struct {
	*exec.Cmd
	events *bufio.Reader
	pipe   *os.File
	log    bytes.Buffer
}

func (w world) start(t testing.TB, args ...string) *subject {
	t.Helper()
	return start(t, w.command(args...))
}

// start returns when the supervisor catches signals.
func start(t testing.TB, cmd *exec.Cmd) *subject {
	t.Helper()
	r, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &subject{Cmd: cmd, events: bufio.NewReader(r), pipe: r}
	cmd.ExtraFiles = []*os.File{theirs}
	if cmd.Stderr == nil {
		cmd.Stderr = &s.log
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // of a test that failed
		left, _ := descendants{self: cmd.Process.Pid}.list()
		for _, p := range left {
			p.signal(unix.SIGKILL)
		}
		_ = cmd.Process.Kill()
		_ = r.Close()
	})
	s.expect(t, "armed")
	return s
}

// expect waits for the next event, which must be this one.
func (s *subject) expect(t testing.TB, want string) {
	t.Helper()
	line, err := s.events.ReadString('\n')
	if got := strings.TrimSuffix(line, "\n"); got != want || err != nil {
		t.Fatalf("event %q (%v), want %q; log:\n%s", got, err, want, s.log.String())
	}
}

func (s *subject) send(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		t.Fatalf("send %v: %v", sig, err)
	}
}

// end waits for the supervisor's end and checks its exit code. No event may be
// left unread, and no process: each would hold the events' pipe open.
func (s *subject) end(t testing.TB, code int) {
	t.Helper()
	rest, err := io.ReadAll(s.events)
	if err != nil {
		t.Fatalf("processes are left: %v; log:\n%s", err, s.log.String())
	}
	if len(rest) > 0 {
		t.Errorf("unexpected events: %q", rest)
	}
	var exit *exec.ExitError
	if err := s.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := s.ProcessState.ExitCode(); got != code {
		t.Errorf("%v, want exit code %d; log:\n%s", s.ProcessState, code, s.log.String())
	}
}

// logged fails the test if one of the texts is not in the log.
func (s *subject) logged(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.log.String(), text) {
			t.Errorf("%q is not in the log:\n%s", text, s.log.String())
		}
	}
}

// loggedLast fails the test if the text is not in the log's last line.
func (s *subject) loggedLast(t testing.TB, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if !strings.Contains(lines[len(lines)-1], text) {
		t.Errorf("%q is not in the last line of the log:\n%s", text, s.log.String())
	}
}

// eventually waits until done is true.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for over := time.Now().Add(patience); !done(); <-poll.C {
		if time.Now().After(over) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}
