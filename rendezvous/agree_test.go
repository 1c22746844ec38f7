package rendezvous

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	if silent := r.head.Finish(t.Context(), outcome); silent != nil {
		t.Errorf("not acknowledged by %v", silent)
	}
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
		if silent := h.Finish(t.Context(), Outcome{}); silent != nil {
			t.Errorf("not acknowledged by %v", silent)
		}
		_ = h.Close()
	})
}

func TestWorkerLongBeforeHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		log, seen := logs()
		var told []Progress
		cfg := p.worker("b", "10.0.0.2")
		cfg.Log, cfg.Progress = log, func(p Progress) { told = append(told, p) }
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
		if _, err := h.Gather(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := &run{head: h, workers: []*Worker{(<-bc).Worker, (<-cc).Worker}}
		r.close(t)
		if len(told) < 2 || told[0].Have != 1 || told[1].Have != 2 || told[1].Want != 3 || told[0].Stage != Gathering {
			t.Errorf("the head's progress is %+v", told)
		}
		if len(heard) == 0 || heard[0].Have != 2 || heard[0].Want != 3 || heard[0].Stage != Gathering {
			t.Errorf("the worker's progress is %+v", heard)
		}
	})
}

func TestRanks(t *testing.T) {
	for _, c := range []struct {
		name    string
		workers []Node
		want    string
	}{
		{"by address, not by name or arrival", []Node{
			{Name: "a", Addr: addr("10.0.0.10"), Rank: NoRank}, {Name: "b", Addr: addr("10.0.0.9"), Rank: NoRank},
		}, "[head b a]"},
		{"IPv4 before IPv6", []Node{
			{Name: "a", Addr: addr("fd00::1"), Rank: NoRank}, {Name: "b", Addr: addr("10.0.0.9"), Rank: NoRank},
		}, "[head b a]"},
		{"one address: by name", []Node{
			{Name: "b", Addr: addr("10.0.0.1"), Rank: NoRank}, {Name: "a", Addr: addr("10.0.0.1"), Rank: NoRank},
		}, "[head a b]"},
		{"the scheduler's", []Node{
			{Name: "a", Addr: addr("10.0.0.2"), Rank: 2}, {Name: "b", Addr: addr("10.0.0.3"), Rank: 1},
		}, "[head b a]"},
		{"not every node has one", []Node{
			{Name: "a", Addr: addr("10.0.0.2"), Rank: 2}, {Name: "b", Addr: addr("10.0.0.3"), Rank: NoRank},
		}, "[head a b]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				var workers []WorkerConfig
				for _, n := range c.workers {
					w := p.worker(n.Name, "10.9.9.9")
					w.Self = n
					workers = append(workers, w)
				}
				r := agree(t, p.head(1+len(workers)), workers...)
				var names []string
				for i, n := range r.roster.Nodes {
					names = append(names, n.Name)
					if n.Rank != i {
						t.Errorf("%s has rank %d at %d", n, n.Rank, i)
					}
				}
				if got := fmt.Sprint(names); got != c.want {
					t.Errorf("ranks %s, want %s", got, c.want)
				}
				r.close(t)
			})
		})
	}
}

// TestHeadsAddress is about a head that was not told one. Its first worker is on
// the same host.
func TestHeadsAddress(t *testing.T) {
	for _, c := range []struct {
		own  string   // what the head was told
		to   []string // where workers reach it
		want string
	}{
		{"", []string{"127.0.1.1", "10.0.0.1", "10.9.0.1"}, "10.0.0.1"},
		{"", []string{"10.0.0.1", "127.0.0.1", "10.9.0.1"}, "10.0.0.1"},
		{"", []string{"127.0.0.1", "127.0.1.1", "127.0.0.1"}, "127.0.0.1"},
		{"127.0.0.9", []string{"127.0.0.1", "10.0.0.1", "127.0.0.1"}, "127.0.0.9"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(4)
			if c.own != "" {
				cfg.Self.Addr = addr(c.own)
			}
			h := startHead(t, cfg)
			var joins []<-chan joined
			for i, to := range c.to {
				w := p.worker(fmt.Sprint("n", i), fmt.Sprintf("10.0.1.%d", i))
				dial := w.Dial
				w.Dial = func(ctx context.Context) (net.Conn, error) {
					conn, err := dial(ctx)
					if err == nil {
						conn.(*lineEnd).peer.local = netip.AddrPortFrom(addr(to), 6378)
					}
					return conn, err
				}
				joins = append(joins, start(t.Context(), w))
				synctest.Wait()
			}
			roster, err := h.Gather(t.Context())
			if err != nil || roster.Nodes[0].Addr != addr(c.want) {
				t.Errorf("reached at %s, the head is %v, error %v", c.to, roster.Nodes, err)
			}
			r := &run{head: h}
			for _, j := range joins {
				r.workers = append(r.workers, (<-j).Worker)
			}
			r.close(t)
		})
	}
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
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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

func TestHeadThatNeverComes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want []string
	}{
		{
			&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
			[]string{"head:6378", "1m0s", "connection refused", "start the head"},
		},
		{
			&net.OpError{Op: "dial", Err: &net.DNSError{Name: "nosuch", Err: "no such host"}},
			[]string{"nosuch does not resolve", "SYMINIT_HEAD"},
		},
		{context.DeadlineExceeded, []string{"no answer", "firewall"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := newPipes().worker("b", "10.0.0.2")
			cfg.Dial = func(context.Context) (net.Conn, error) { return nil, c.err }
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := Join(ctx, cfg)
			e := as[*UnreachableError](t, err)
			if e.Head != cfg.Head || e.Waited != time.Minute || !errors.Is(err, c.err) || !containsAll(err.Error(), c.want) {
				t.Errorf("%v, want the words %q", err, c.want)
			}
		})
	}
}

func TestJoinEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(3))
		told := errors.New("told to stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		j := start(ctx, p.worker("b", "10.0.0.2"))
		synctest.Wait()
		cancel(told)
		if r := <-j; !errors.Is(r.err, told) {
			t.Errorf("error %v, want %v", r.err, told)
		}
		synctest.Wait()
		h.mu.Lock()
		if len(h.members) != 0 {
			t.Error("the head still counts the worker")
		}
		h.mu.Unlock()
		_ = h.Close()
	})
}

// TestStaleSessionIsReplaced has a worker give its connection up and come again
// before the head has found out that the first one is dead.
func TestStaleSessionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		cfg.UniqueAddrs = true
		log, seen := logs()
		cfg.Log = log
		h := startHead(t, cfg)
		b := start(t.Context(), p.worker("b", "10.0.0.2"))
		elapse(time.Minute)
		p.lines[0].head.cut() // the worker hears nothing any more,
		elapse(5 * time.Second)
		p.lines[0].worker.cut() // and later the head neither
		elapse(6 * time.Second)
		if !said(seen, "node joined again", "b (10.0.0.2)") {
			t.Errorf("the log does not say that b came again: %v", seen.All())
		}
		if l := p.lines[0]; !l.head.isClosed() {
			t.Error("the first connection is still open")
		}
		c := start(t.Context(), p.worker("c", "10.0.0.3"))
		roster, err := h.Gather(t.Context())
		if err != nil || len(roster.Nodes) != 3 {
			t.Fatalf("roster %+v, error %v", roster, err)
		}
		r := &run{head: h, workers: []*Worker{(<-b).Worker, (<-c).Worker}}
		elapse(time.Minute)
		r.ready(t)
		r.close(t)
	})
}

// TestConnectionThatWasGivenUpComesLate has the join of a worker's earlier
// connection reach the head after that of its next one.
func TestConnectionThatWasGivenUpComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		h := startHead(t, cfg)
		second := rawJoin(t, p, "b", 2, kindWelcome)
		first := rawJoin(t, p, "b", 1, kindRefuse)
		_ = first.NetConn().Close()
		if _, err := second.Write(bare(kindBeat)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		h.mu.Lock()
		if n := h.progress().Have; n != 2 {
			t.Errorf("%d nodes are here, want 2", n)
		}
		h.mu.Unlock()
		_ = second.NetConn().Close()
		_ = h.Close()
	})
}

func TestWorkerThatLeavesWhileGatheringIsCountedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		log, seen := logs()
		cfg.Log = log
		h := startHead(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		leaver := start(ctx, p.worker("b", "10.0.0.2"))
		synctest.Wait()
		cancel()
		<-leaver
		synctest.Wait()
		if !said(seen, "node left while others are waited for", "b (10.0.0.2)", "connection closed") {
			t.Errorf("the log does not say that b left: %v", seen.All())
		}
		c := start(t.Context(), p.worker("c", "10.0.0.3"))
		synctest.Wait()
		select {
		case <-h.agreedC:
			t.Fatal("agreed with a node that had left")
		default:
		}
		d := start(t.Context(), p.worker("d", "10.0.0.4"))
		roster, err := h.Gather(t.Context())
		if err != nil || fmt.Sprint(roster.Nodes) != "[head (10.0.0.1) c (10.0.0.3) d (10.0.0.4)]" {
			t.Errorf("roster %v, error %v", roster.Nodes, err)
		}
		r := &run{head: h, workers: []*Worker{(<-c).Worker, (<-d).Worker}}
		r.close(t)
	})
}

func TestWorkerFollowsARestartedHeadWhileGathering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newPipes(), newPipes()
		h1 := startHead(t, first.head(3))
		cfg := first.worker("b", "10.0.0.2")
		cfg.Dial = func(ctx context.Context) (net.Conn, error) {
			if c, err := first.dial(ctx, addr("10.0.0.2")); err == nil {
				return c, nil
			}
			return second.dial(ctx, addr("10.0.0.2"))
		}
		c := start(t.Context(), cfg)
		synctest.Wait()
		_ = h1.Close()
		h2 := startHead(t, second.head(2))
		if _, err := h2.Gather(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := &run{head: h2, workers: []*Worker{(<-c).Worker}}
		r.close(t)
	})
}
