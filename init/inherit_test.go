package pid1

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What a job is given must be as if the supervisor's caller had started it.
func TestJobsWorld(t *testing.T) {
	const script = `exec >&3 2>&3
		for fd in 0 4 5 6 7 8 9 11 12; do echo fd $fd; readlink /proc/$$/fd/$fd; done
		echo line of 5: $(cat <&5)
		grep -E '^(Sig(Ign|Blk|Cgt)|Umask|NoNewPrivs)' /proc/self/status
		echo soft $(ulimit -Sn) hard $(ulimit -Hn) nice $(nice) umask $(umask) cwd $(pwd) oom $(cat /proc/self/oom_score_adj)
		echo args "$@"
		env | grep -v ^_= | sort | od -c`

	const prelude = `ulimit -Sn 512; umask 027; trap "" HUP; cd /usr; exec "$@"`

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	worldOf := func(cmd *exec.Cmd) string {
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "BYTES=\xff\xfe\x01", "EMPTY=", "no equals sign", "LINES=a\nb", "GORACE=" + os.Getenv("GORACE")}
		return withoutGlibcs(t, outputOf(t, cmd, file))
	}
	want := worldOf(exec.Command("sh", "-c", prelude, "prelude", "sh", "-c", script, "job", "an argument"))
	for _, part := range []string{"soft 512 ", "line of 5: content", "377 376 001", "umask 0027", "cwd /usr", "an argument"} {
		if !strings.Contains(want, part) {
			t.Fatalf("%q is not in the world of the job that was started directly:\n%s", part, want)
		}
	}
	if !regexp.MustCompile(`SigIgn:\t0+[13]\n`).MatchString(want) { // HUP, and INT if the tests' caller ignores it
		t.Fatalf("HUP is not ignored in the job that was started directly:\n%s", want)
	}
	inBothWorlds(t, func(t *testing.T, w world) {
		for _, part := range []string{"run", "direct"} {
			if got := worldOf(w.shell(t, prelude, part, script)); got != want {
				t.Errorf("%s: the job got\n%s\nwant\n%s", part, got, want)
			}
		}
	})
}

// withoutGlibcs takes the signals 32 and 33 out of SigIgn: glibc's posix_spawn,
// which make starts its commands with, leaves them ignored, and the C library of
// a test with the race detector may change that.
func withoutGlibcs(t *testing.T, world string) string {
	t.Helper()
	return regexp.MustCompile(`SigIgn:\t[0-9a-f]+`).ReplaceAllStringFunc(world, func(line string) string {
		set, err := strconv.ParseUint(strings.TrimPrefix(line, "SigIgn:\t"), 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("SigIgn:\t%016x", set&^(1<<(32-1)|1<<(33-1)))
	})
}

// outputOf returns what a command and its children write to descriptor 3; it
// finds file open as 4 and 5.
func outputOf(t *testing.T, cmd *exec.Cmd, file string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	cmd.ExtraFiles = []*os.File{w}
	for range 2 {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	cmd.Stderr = os.Stderr
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	return strings.TrimPrefix(string(out), "armed\n")
}
