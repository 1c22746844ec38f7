package launch

import (
	"slices"
	"testing"

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
