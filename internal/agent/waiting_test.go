package agent

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syminit/syminit/internal/logging"
	"github.com/syminit/syminit/rendezvous"
)

func TestWaitingSaysEachChangeOnceAndRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		w := newWaiting(logging.New(logging.Config{Out: &out}), nil, func(string) {})
		one := rendezvous.Progress{Stage: rendezvous.Gathering, Have: 1, Want: 3}
		w.update(one)
		w.update(one)
		two := one
		two.Have, two.Missing, two.Problem = 2, []string{"c"}, "b was refused"
		w.update(two)
		<-time.After(waitingEvery + time.Second)
		w.end()
		w.end()
		w.update(rendezvous.Progress{Stage: rendezvous.Gathering, Have: 9, Want: 9})
		var got []string
		for line := range strings.Lines(out.String()) {
			_, text, _ := strings.Cut(strings.TrimSpace(line), "syminit: ")
			got = append(got, text)
		}
		want := []string{
			"1/3 nodes are here",
			"2/3 nodes are here, missing: c (b was refused)",
			"2/3 nodes are here, missing: c (b was refused) waiting=10s",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// What may keep the nodes from meeting is said where they don't meet, and no
// longer than that.
func TestDoubtIsSaidWhereItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		w := newWaiting(logging.New(logging.Config{Out: &out}), nil, func(string) {})
		missing := &rendezvous.MissingError{}
		if err := w.explain(missing); err.Error() != missing.Error() {
			t.Errorf("without a doubt: %v", err)
		}
		w.doubt("is it the head?")
		w.update(rendezvous.Progress{Stage: rendezvous.Gathering, Have: 1, Want: 2})
		<-time.After(waitingEvery + time.Second)
		if err := w.explain(missing); !errors.Is(err, missing) || !strings.HasSuffix(err.Error(), "; is it the head?") {
			t.Errorf("with one: %v", err)
		}
		w.update(rendezvous.Progress{Stage: rendezvous.Starting, Have: 1, Want: 2})
		<-time.After(waitingEvery)
		w.end()
		if got := out.String(); strings.Count(got, "is it the head?") != 1 || !strings.Contains(got, "1/2 nodes are here; is it the head? waiting=10s") {
			t.Errorf("got:\n%s", got)
		}
	})
}

func TestWaitingOnATerminalIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shown, told []string
		w := newWaiting(nil, func(s string) { shown = append(shown, s) }, func(s string) { told = append(told, s) })
		w.update(rendezvous.Progress{Stage: rendezvous.Gathering, Have: 1, Want: 2})
		<-time.After(2500 * time.Millisecond)
		w.end()
		w.end()
		w.update(rendezvous.Progress{Stage: rendezvous.Gathering, Have: 9, Want: 9})
		want := []string{"syminit (0s): 1/2 nodes are here", "syminit (1s): 1/2 nodes are here", "syminit (2s): 1/2 nodes are here", ""}
		if strings.Join(shown, "|") != strings.Join(want, "|") {
			t.Errorf("shown %q, want %q", shown, want)
		}
		if want := []string{"1/2 nodes are here", ""}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}
