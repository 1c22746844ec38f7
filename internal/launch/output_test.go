package launch

import (
	"io"
	"os"
	"slices"
	"testing"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

func TestOutput(t *testing.T) {
	t.Run("last lines of both streams", func(t *testing.T) {
		p := start(t, shell("for i in 1 2 3 4 5 6; do echo $i; done; echo err >&2; printf 'no end'"))
		waitDone(t, p)
		if got, want := p.Tail(), []string{"4", "5", "6", "err", "no end"}; !slices.Equal(got, want) {
			t.Errorf("Tail() = %q, want %q", got, want)
		}
	})
	t.Run("long line", func(t *testing.T) {
		p := start(t, shell("head -c 20000 /dev/zero | tr '\\0' x; echo; echo end"))
		waitDone(t, p)
		tail := p.Tail()
		var sizes []int
		for _, line := range tail {
			sizes = append(sizes, len(line))
		}
		if want := []int{maxLine, maxLine, 20000 - 2*maxLine, 3}; !slices.Equal(sizes, want) {
			t.Errorf("lines of %d bytes, want %d", sizes, want)
		}
	})
	t.Run("held open by another", func(t *testing.T) {
		p := start(t, shell("sleep 1000 & echo $!; echo last; exit 6"))
		waitDone(t, p)
		if tail := p.Tail(); len(tail) != 2 || tail[1] != "last" {
			t.Errorf("Tail() = %q", tail)
		}
		_ = unix.Kill(-p.Pid(), unix.SIGKILL)
	})
	t.Run("another goes on", func(t *testing.T) {
		p := start(t, shell("yes & echo $!; exit 6"))
		waitDone(t, p)
		_ = unix.Kill(-p.Pid(), unix.SIGKILL)
	})
	t.Run("much of it", func(t *testing.T) {
		p := start(t, shell("seq 1 200000"))
		waitDone(t, p)
		if tail := p.Tail(); tail[len(tail)-1] != "200000" {
			t.Errorf("Tail() = %q", tail)
		}
	})
	t.Run("no input", func(t *testing.T) {
		p := start(t, shell("read x || echo nothing"))
		waitDone(t, p)
		if tail := p.Tail(); !slices.Equal(tail, []string{"nothing"}) {
			t.Errorf("Tail() = %q", tail)
		}
	})
}

// TestCopiedOutput: it goes on as it is, each stream to its own, and its last
// lines are kept; of a progress bar only how it ended.
func TestCopiedOutput(t *testing.T) {
	stdout, stderr := collect(t, &os.Stdout), collect(t, &os.Stderr)
	c := shell("echo out; printf 'no end' >&2; printf '10%%\\r100%%\\n'; exit 3")
	c.Env = []string{"PATH=/usr/bin:/bin"}
	p, err := Start(c, ProcessConfig{Name: "test", Log: zap.NewNop(), TailLines: 5, Copied: true})
	if err != nil {
		t.Fatal(err)
	}
	waitDone(t, p)
	if got := stdout(); got != "out\n10%\r100%\n" {
		t.Errorf("standard output %q", got)
	}
	if got := stderr(); got != "no end" {
		t.Errorf("standard error %q", got)
	}
	tail := p.Tail()
	slices.Sort(tail) // two streams have no order
	if want := []string{"100%", "no end", "out"}; !slices.Equal(tail, want) {
		t.Errorf("Tail() = %q, want %q", tail, want)
	}
}

// TestCopiedOutputIsBroken: the process learns it as without syminit between.
func TestCopiedOutputIsBroken(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	t.Cleanup(func() { os.Stdout = before; _ = writer.Close() })
	os.Stdout = writer
	_ = reader.Close()
	c := shell("yes")
	c.Env = []string{"PATH=/usr/bin:/bin"}
	p, err := Start(c, ProcessConfig{Name: "test", Log: zap.NewNop(), TailLines: 5, Copied: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	waitDone(t, p)
}

// TestStalledOutput: nobody takes what the process has printed, and it ends.
func TestStalledOutput(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	t.Cleanup(func() { os.Stdout = before; _ = reader.Close(); _ = writer.Close() })
	os.Stdout = writer
	c := shell("yes")
	c.Env = []string{"PATH=/usr/bin:/bin"}
	p, err := Start(c, ProcessConfig{Name: "test", Log: zap.NewNop(), TailLines: 5, Copied: true})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pipe is full", func() bool {
		n, err := unix.IoctlGetInt(int(reader.Fd()), unix.TIOCINQ)
		size, serr := unix.FcntlInt(reader.Fd(), unix.F_GETPIPE_SZ, 0)
		return err == nil && serr == nil && n == size
	})
	p.Stop(0)
	waitDone(t, p)
}

// collect puts a pipe in a file's place, and returns what gives back the file and
// what the pipe has got.
func collect(t *testing.T, file **os.File) func() string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := *file
	*file = writer
	return func() string {
		*file = before
		if err := writer.Close(); err != nil {
			t.Error(err)
		}
		text, err := io.ReadAll(reader)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
}
