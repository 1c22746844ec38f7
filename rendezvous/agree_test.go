package rendezvous

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestTwoNodesFromJoinToOutcome(t *testing.T) {
	noLeaks(t)
	s := tcp(t)
	cfg := s.head(2)
	cfg.Payload = json.RawMessage(`{"env":{"NCCL_DEBUG":"INFO"}}`)
	r := agree(t, cfg, s.worker("b", "127.0.0.2"))
	w := r.workers[0]

	want := []Node{{Name: "head", Addr: addr("127.0.0.1"), Rank: 0}, {Name: "b", Addr: addr("127.0.0.2"), Rank: 1}}
	if !reflect.DeepEqual(r.roster.Nodes, want) || string(r.roster.Payload) != string(cfg.Payload) || r.roster.RunID == "" {
		t.Errorf("roster %+v, want nodes %+v", r.roster, want)
	}
	if !reflect.DeepEqual(w.Roster(), r.roster) {
		t.Errorf("the worker's roster is %+v, the head's %+v", w.Roster(), r.roster)
	}
	if w.Rank() != 1 {
		t.Errorf("the worker's rank is %d", w.Rank())
	}
	r.ready(t)

	outcome := Outcome{Code: 3, Rank: 0, Node: "head", Cause: "the job ended with 3", Tail: []string{"one", "two"}}
	finish(t, r.head, outcome)
	if got := <-w.Outcome(); !reflect.DeepEqual(got, outcome) {
		t.Errorf("outcome %+v, want %+v", got, outcome)
	}
	if _, again := <-w.Outcome(); again {
		t.Error("a second outcome")
	}
	r.close(t)
	if _, open := <-r.head.Events(); open {
		t.Error("an event of a run without one")
	}
}

func TestOneNodeNeedsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startHead(t, newPipes().head(1))
		roster, err := h.Gather(t.Context())
		if err != nil || len(roster.Nodes) != 1 || roster.Nodes[0].Name != "head" {
			t.Errorf("roster %+v, error %v", roster, err)
		}
		if err := h.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		finish(t, h, Outcome{})
		_ = h.Close()
	})
}

func TestWorkerLongBeforeHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		var told []Progress
		cfg := p.worker("b", "10.0.0.2")
		seen := logged(&cfg.Log)
		cfg.Progress = func(p Progress) { told = append(told, p) }
		up := time.Now().Add(time.Minute)
		resolves := up.Add(-20 * time.Second)
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context) (net.Conn, error) {
			switch {
			case time.Now().Before(resolves):
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "head", Err: "no such host"}}
			case time.Now().Before(up):
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			return dial(ctx)
		}
		c := start(t.Context(), cfg)
		elapse(time.Until(up))
		r := &run{head: startHead(t, p.head(2))}
		if _, err := r.head.Gather(t.Context()); err != nil {
			t.Fatal(err)
		}
		if late := time.Since(up); late > pauseMax {
			t.Errorf("agreed %s after the head came, want at most %s", late, pauseMax)
		}
		j := <-c
		if j.err != nil {
			t.Fatal(j.err)
		}
		r.workers = []*Worker{j.Worker}
		r.close(t)
		if n := seen.FilterMessage("waiting for the head").Len(); n != 2 {
			t.Errorf("%d lines about waiting for the head, want one for each of 2 reasons:\n%v", n, seen.All())
		}
		if len(told) < 2 || told[0].Stage != Connecting || told[0].Problem == "" || told[1].Problem != "connection refused" {
			t.Errorf("progress %+v", told)
		}
	})
}

func TestHeadLongBeforeWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		var told []Progress
		cfg.Progress = func(p Progress) { told = append(told, p) }
		h := startHead(t, cfg)
		elapse(time.Minute)
		var heard []Progress
		b := p.worker("b", "10.0.0.2")
		b.Progress = func(p Progress) { heard = append(heard, p) }
		bc := start(t.Context(), b)
		elapse(time.Minute) // far longer than LostAfter
		cc := start(t.Context(), p.worker("c", "10.0.0.3"))
		gather(t, h)
		closeAll(t, h, (<-bc).Worker, (<-cc).Worker)
		if len(told) < 2 || told[0].Have != 1 || told[1].Have != 2 || told[1].Want != 3 || told[0].Stage != Gathering {
			t.Errorf("the head's progress is %+v", told)
		}
		if len(heard) == 0 || heard[0].Have != 2 || heard[0].Want != 3 || heard[0].Stage != Gathering {
			t.Errorf("the worker's progress is %+v", heard)
		}
	})
}

func TestMissingNodesAreCountedOrNamed(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []string
		rank  int
		want  string
	}{
		{"counted", nil, NoRank, "[]"},
		{"by rank", nil, 2, "[rank 1 rank 3]"},
		{"by the scheduler's names", []string{"head", "b", "c", "d"}, NoRank, "[b d]"},
		{"by the scheduler's names and ranks", []string{"n0", "n1", "n2", "n3"}, 2, "[n1 n3]"},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(4)
			cfg.Names = c.names
			h := startHead(t, cfg)
			w := p.worker("c", "10.0.0.3")
			w.Self.Rank = c.rank
			deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			later, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			j := start(later, w)

			_, err := h.Gather(deadline)
			e := as[*MissingError](t, err)
			if e.Have != 2 || e.Want != 4 || e.Waited != time.Minute || fmt.Sprint(e.Missing) != c.want {
				t.Errorf("on the head %+v, missing want %s", e, c.want)
			}
			if got := fmt.Sprint(e.Here); got != "[head (10.0.0.1) c (10.0.0.3)]" {
				t.Errorf("here are %s", got)
			}
			e = as[*MissingError](t, (<-j).err)
			if e.Have != 2 || e.Want != 4 || fmt.Sprint(e.Missing) != c.want {
				t.Errorf("on the worker %+v, missing want %s", e, c.want)
			}
			_ = h.Close()
		})
	}
}

// TestTooLittleTimeForThePause has all nodes there, and their time over before
// the run may begin: nobody is told to start more of them.
func TestTooLittleTimeForThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		cfg.NotBefore = time.Now().Add(time.Minute)
		h := startHead(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		later, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		b := start(later, p.worker("b", "10.0.0.2"))
		_, err := h.Gather(ctx)
		for _, err := range []error{err, (<-b).err} {
			if e := as[*MissingError](t, err); !containsAll(e.Error(), []string{"2 of 2 nodes here after", "; the run was about to begin, raise SYMINIT_JOIN_TIMEOUT"}) {
				t.Errorf("error %v", e)
			}
		}
		_ = h.Close()
	})
}
