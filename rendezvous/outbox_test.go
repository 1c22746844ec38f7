package rendezvous

import (
	"fmt"
	"testing"
)

func TestOutbox(t *testing.T) {
	o := newOutbox()
	take := func(want string) {
		t.Helper()
		frame, over := o.take()
		if got := fmt.Sprintf("%s %t", frame, over); got != want {
			t.Errorf("took %q, want %q", got, want)
		}
	}
	take(" false")
	o.replace([]byte("1 of 3"))
	o.replace([]byte("2 of 3"))
	take("2 of 3 false")
	take(" false")

	o.replace([]byte("2 of 3"))
	o.send([]byte("place"))
	o.send([]byte("roster")) // the nodes are all here: how many were is no news any more
	take("place false")
	take("roster false")
	take(" false")

	for range maxQueued {
		if !o.send([]byte("stop")) {
			t.Fatal("no room")
		}
	}
	if o.send([]byte("one too many")) {
		t.Error("room for more than there may be")
	}
	o.close()
	for range maxQueued {
		take("stop false")
	}
	take(" true")
	if o.send([]byte("late")) {
		t.Error("sent after close")
	}
}
