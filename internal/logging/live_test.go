package logging_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/syminit/syminit/internal/logging"
)

func TestLiveLineStaysBelow(t *testing.T) {
	var out bytes.Buffer
	live := logging.NewLiveLine(&out)
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
