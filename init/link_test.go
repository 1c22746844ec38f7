package pid1

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/procstat"
)

func TestAttachWithoutSupervisor(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for value, want := range map[string]string{
		"":                                      "is not set",
		"three":                                 "invalid syntax",
		"100000,0,0,0":                          "is no link",
		strconv.Itoa(int(file.Fd())) + ",0,0,0": "is no link",
	} {
		if value != "" {
			t.Setenv(linkVariable, value)
		}
		if _, err := Attach(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s=%s: error %v, want one with %q", linkVariable, value, err, want)
		}
		if _, set := os.LookupEnv(linkVariable); set {
			t.Errorf("%s=%s is left in the environment", linkVariable, value)
		}
	}
}

func TestReportRefusesWhatIsNoExitCode(t *testing.T) {
	for _, code := range []int{-1, 256} {
		if err := (&Link{conn: conn{-1}}).Report(code, 0); err == nil {
			t.Errorf("Report(%d) took it", code)
		}
	}
}

// An outcome gets through though its sender never read what was sent to it: the
// kernel then reports a reset connection before it hands the outcome out.
func TestOutcomeOfAnAgentThatDidNotRead(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := conn{pair[0]}, conn{pair[1]}
	defer func() { _ = unix.Close(ours.fd) }()
	want := outcome{Code: 3, Grace: time.Second}
	if err := errors.Join(
		ours.send(message{signal: syscall.SIGTERM}),
		theirs.send(message{outcome: &want}),
		unix.Close(theirs.fd),
	); err != nil {
		t.Fatal(err)
	}
	m, err := ours.receive()
	if err != nil || m.outcome == nil || *m.outcome != want {
		t.Errorf("got %+v, %v; want %+v", m, err, want)
	}
	if m, err := ours.receive(); !errors.Is(err, io.EOF) {
		t.Errorf("then got %+v, %v; want %v", m, err, io.EOF)
	}
}

// A number that another process has got since must not be signalled.
func TestSignalSparesAnotherProcess(t *testing.T) {
	self, err := procstat.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	self.Started--
	process{self}.signal(unix.SIGKILL) // or this is the end of the test
}

func FuzzDecode(f *testing.F) {
	for _, m := range []message{
		{signal: 1},
		{signal: 64},
		{suspend: true},
		{last: &lastLine{level: zapcore.DebugLevel, text: "x"}},
		{outcome: &outcome{}},
		{outcome: &outcome{Code: 255, Grace: time.Hour, Wait: true}},
	} {
		f.Add(m.encode())
	}
	f.Add([]byte("L\x05x"))
	f.Add([]byte("O\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := decode(packet)
		if err != nil {
			return
		}
		if again := m.encode(); !bytes.Equal(again, packet) {
			t.Errorf("%q was read as %+v, which is %q", packet, m, again)
		}
		if m.outcome != nil && (m.outcome.Code < 0 || m.outcome.Code > 255 || m.outcome.Grace < 0) {
			t.Errorf("%q: outcome %+v", packet, m.outcome)
		}
	})
}
