package status

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

func newBoard(t *testing.T, now func() time.Time) *Board {
	t.Helper()
	b := New(Config{Version: "v1", Node: "host-a", Nodes: 2, Now: now, Log: zap.NewNop()})
	t.Cleanup(b.Close)
	return b
}

// name makes this process one of that name in /proc.
func name(t *testing.T) string {
	t.Helper()
	own := fmt.Sprintf("st-%d", os.Getpid())
	before, err := os.ReadFile("/proc/self/comm")
	if err == nil {
		err = os.WriteFile("/proc/self/comm", []byte(own), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.WriteFile("/proc/self/comm", before, 0) })
	return own
}

func TestFind(t *testing.T) {
	agent := name(t)
	if s, err := Find(agent); err != nil || s.State != "" {
		t.Errorf("before the first state: %+v, %v", s, err)
	}
	b := newBoard(t, time.Now)
	nodes := make([]Node, 100)
	for i := range nodes {
		nodes[i] = Node{Rank: i, Name: fmt.Sprint("node ", i), Addr: "10.0.0.1"}
	}
	b.Begin()
	for _, state := range []string{"gathering", "agreed", Running} {
		b.Enter(state)
		b.Update(func(s *State) { s.List(nodes) })
		s, err := Find(agent)
		if err != nil || s.State != state || s.Nodes != 100 || len(s.Roster) != rosterMost || s.Roster[31] != nodes[31] || s.Rank != -1 || s.Version != "v1" {
			t.Fatalf("%+v, %v; want the state %s", s, err, state)
		}
		// A shorter state follows a longer one.
		b.Update(func(s *State) { s.Roster = s.Roster[:1] })
		if s, err := Find(agent); err != nil || len(s.Roster) != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	b.Close()
	if s, err := Find(agent); err != nil || s.State != "" {
		t.Errorf("after Close: %+v, %v", s, err)
	}
	if _, err := Find("no such agent"); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
}

// Who has begun to look when the state changes reads the one before to its end.
func TestReadStays(t *testing.T) {
	b := newBoard(t, time.Now)
	b.Enter("gathering")
	file, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", b.page))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	b.Wait(strings.Repeat("x", 20000))
	var s State
	if text, err := io.ReadAll(file); err != nil || !s.parse(text) || s.State != "gathering" || s.Waiting != "" {
		t.Errorf("read %q, %v", text, err)
	}
	if got := read(os.Getpid()); len(got.Waiting) != 20000 {
		t.Errorf("the state now is %+v", got)
	}
}

// A descriptor whose number was a state's a moment ago is left as it is.
func TestAnotherFileIsNotRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	if _, err := w.WriteString("{}"); err != nil {
		t.Fatal(err)
	}
	if text := readPage(fmt.Sprintf("/proc/self/fd/%d", r.Fd())); text != nil {
		t.Errorf("read %q of a pipe", text)
	}
	if _, err := io.ReadFull(r, make([]byte, 2)); err != nil {
		t.Errorf("the pipe has lost what it held: %v", err)
	}
}

// The first state is seen after the delay, and what follows it at once.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Version: "v1", Delay: time.Second, Now: time.Now, Log: zap.NewNop()})
		want := func(state string) {
			t.Helper()
			if got := read(os.Getpid()); got.State != state {
				t.Errorf("%q is seen, want %q", got.State, state)
			}
		}
		b.Enter("gathering")
		<-time.After(time.Second - 1)
		want("")
		b.Enter("agreed")
		<-time.After(2)
		want("agreed")
		b.Enter(Running)
		want(Running)
		b.Close()
		b = New(Config{Version: "v1", Delay: time.Second, Now: time.Now, Log: zap.NewNop()})
		b.Enter(Running)
		b.Close()
		<-time.After(2 * time.Second)
		want("")
	})
}

func TestRunAfterRun(t *testing.T) {
	b := newBoard(t, time.Now)
	b.Begin()
	b.Enter(Running)
	b.Update(func(s *State) { s.Run, s.Health = "r1", &Health{URL: "http://127.0.0.1:1"} })
	b.End("lost node b")
	b.End("the job was killed")
	b.Begin()
	if s := b.Read(); s.Attempt != 2 || s.Last != "lost node b" || s.Ending != "" || s.Run != "" || s.Health != nil {
		t.Errorf("%+v", s)
	}
	b.Wait("1/2 nodes are here")
	if s := b.Read(); s.Waiting != "1/2 nodes are here" {
		t.Errorf("%+v", s)
	}
	var none *Board
	none.Enter(Running) // nobody watches
}

func TestLines(t *testing.T) {
	at := time.Unix(1000, 0)
	s := State{Version: "v1", Node: "a", State: Running, Since: at, Attempt: 2, Last: "lost node b", Run: "r2", Runtime: "ray", Rank: 1}
	s.List([]Node{{0, "b", "10.0.0.2"}, {1, "a", "10.0.0.1"}})
	want := `state    running for 1m30s
ready    no: draining
node     a
rank     1 of 2 nodes
run      r2, number 2 in this container
runtime  ray
before   lost node b
nodes    0  b  10.0.0.2
         1  a  10.0.0.1
syminit  v1
`
	if got := s.Lines(at.Add(90*time.Second), errors.New("draining")); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	s.List(make([]Node, 40))
	if got := s.Lines(at, nil); !strings.Contains(got, "         and 8 more\n") || !strings.Contains(got, "ready    yes\n") {
		t.Errorf("got\n%s", got)
	}
	s = State{State: "gathering", Rank: -1, Nodes: 2}
	if got := s.Lines(at, nil); !strings.Contains(got, "not agreed yet; 2 nodes are needed") {
		t.Errorf("got\n%s", got)
	}
}
