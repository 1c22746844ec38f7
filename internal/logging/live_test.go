package logging_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/syminit/syminit/internal/logging"
)

func TestLiveLineStaysBelow(t *testing.T) {
	var out bytes.Buffer
	live := logging.NewLiveLine(&out, func() int { return 0 })
	fmt.Fprintln(live, "first")
	live.Set("1/2 nodes")
	live.Set("1/2 nodes")
	fmt.Fprintln(live, "second")
	live.Set("")
	fmt.Fprintln(live, "third")
	const erase = "\r\x1b[K"
	want := "first\n" + erase + "1/2 nodes" + erase + "second\n1/2 nodes" + erase + "third\n"
	if got := out.String(); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// What doesn't fit isn't shown, whatever size the terminal has by now.
func TestLiveLineFits(t *testing.T) {
	var out bytes.Buffer
	width := 10
	live := logging.NewLiveLine(&out, func() int { return width })
	const erase = "\r\x1b[K"
	want := func(s string) {
		t.Helper()
		if got := out.String(); got != s {
			t.Errorf("got %q\nwant %q", got, s)
		}
		out.Reset()
	}
	live.Set("123456789")
	want(erase + "123456789")
	live.Set("12345678é0")
	want(erase + "12345678é")
	live.Set("1234567世界")
	want(erase + "1234567世")
	width = 5
	fmt.Fprintln(live, "a line of any length")
	want(erase + "a line of any length\n1234")
	width = 1
	live.Set("1")
	want(erase)
	width = 0
	live.Set("all of it")
	want(erase + "all of it")
}
