package rendezvous

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusals has one worker refused for each reason, and wants both ends to
// say why.
func TestRefusals(t *testing.T) {
	type setup struct {
		head   *HeadConfig
		first  *WorkerConfig // comes first and is taken in; none if its name is empty
		second *WorkerConfig // is refused
	}
	for _, c := range []struct {
		name   string
		set    func(setup)
		reason []string
		fix    string
		within time.Duration
	}{
		{"wrong secret", func(s setup) {
			s.second.Secret = []byte("not the one of the head")
		}, []string{"secret is not the head's"}, "SYMINIT_TOKEN", 0},
		{"no secret at the worker", func(s setup) {
			s.second.Secret = nil
		}, []string{"the head has a secret, the worker has none"}, "SYMINIT_TOKEN", 0},
		{"no secret at the head", func(s setup) {
			s.head.Secret, s.first.Secret = nil, nil
		}, []string{"the worker has a secret, the head has none"}, "SYMINIT_TOKEN", 0},
		{"values that differ, all of them", func(s setup) {
			s.head.Self.Match = []Match{
				{"SYMINIT_NODES", "3", "set SYMINIT_NODES to the same on every node"},
				{"runtime", "ray", "set SYMINIT_RUNTIME"},
				{"ray", "2.60.0", ""},
				{"python", "", ""},
				{"vllm", "1", ""},
			}
			s.second.Self.Match = []Match{
				{"SYMINIT_NODES", "4", ""}, {"runtime", "ray", ""}, {"ray", "2.59 or so", ""}, {"python", "3.12", ""},
			}
		}, []string{
			"SYMINIT_NODES differs: 3 on the head, 4 on c", `ray differs: 2.60.0 on the head, "2.59 or so" on c`,
		}, "set SYMINIT_NODES to the same on every node", 0},
		{"a rank that another has", func(s setup) {
			s.first.Self.Rank, s.second.Self.Rank = 1, 1
		}, []string{"c (10.0.0.3) has rank 1, and so has b (10.0.0.2)"}, "rank", 0},
		{"the head's rank", func(s setup) {
			s.second.Self.Rank = 0
		}, []string{"c (10.0.0.3) has rank 0, and so has head (10.0.0.1)"}, "rank", 0},
		{"a rank out of range", func(s setup) {
			s.second.Self.Rank = 3
		}, []string{"c (10.0.0.3) has rank 3, and the run has 3 nodes"}, "SYMINIT_NODES", 0},
		{"a second node on one address", func(s setup) {
			s.head.UniqueAddrs = true
			s.second.Self.Addr = addr("10.0.0.2")
		}, []string{"c (10.0.0.2) has the address of b (10.0.0.2)"}, "SYMINIT_NODE_IP", 0},
		{"a second node on the head's address", func(s setup) {
			s.head.UniqueAddrs = true
			s.second.Self.Addr = addr("10.0.0.1")
		}, []string{"c (10.0.0.1) has the address of head (10.0.0.1)"}, "SYMINIT_NODE_IP", 0},
		{"a node too many on a host that has one", func(s setup) {
			s.head.Nodes = 2
			s.second.Self.Name, s.second.Self.Addr = "b", addr("10.0.0.2")
		}, []string{"the run has its 2 nodes: head (10.0.0.1), b (10.0.0.2)"}, "SYMINIT_NODES", 7 * time.Second},
		{"a second node on a host that has one", func(s setup) {
			s.head.UniqueAddrs = true
			s.second.Self.Name, s.second.Self.Addr = "b", addr("10.0.0.2")
		}, []string{"b (10.0.0.2) has the address of b (10.0.0.2)"}, "SYMINIT_NODE_IP", 7 * time.Second},
		{"a node too many", func(s setup) {
			s.head.Nodes = 2
		}, []string{"the run has its 2 nodes: head (10.0.0.1), b (10.0.0.2)"}, "SYMINIT_NODES", 0},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			p := newPipes()
			head, first, second := p.head(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3")
			c.set(setup{&head, &first, &second})
			seen := logged(&head.Log)
			var told Progress
			head.Progress = func(p Progress) { told = p }
			h := startHead(t, head)
			ctx, cancel := context.WithCancel(t.Context())
			b := start(ctx, first)
			synctest.Wait()

			began := time.Now()
			_, err := Join(t.Context(), second)
			e := as[*RefusedError](t, err)
			if !containsAll(e.Reason, c.reason) || !strings.Contains(e.Fix, c.fix) || e.Head != "head:6378" {
				t.Errorf("the worker is told %v, want %q and %q", e, c.reason, c.fix)
			}
			if took := time.Since(began); took > c.within {
				t.Errorf("a final refusal took %s", took)
			}
			elapse(time.Second)
			if !said(seen, append(c.reason, "refused a node", "10.0.0.")...) {
				t.Errorf("the head's log lacks %q: %v", c.reason, seen.All())
			}
			if h.state == gathering && !containsAll(told.Problem, c.reason) {
				t.Errorf("the head's progress %+v lacks %q", told, c.reason)
			}
			if h.state == gathering {
				over, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := h.Gather(over)
				if e := as[*MissingError](t, err); !containsAll(e.Error(), append(c.reason, "; refused last: ")) {
					t.Errorf("the head's error %q lacks %q", e, c.reason)
				}
				cancel()
			}
			cancel()
			if j := <-b; j.Worker != nil {
				_ = j.Close()
			}
			_ = h.Close()
		})
	}
}

func TestJoinAfterTheEndWaitsForTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newPipes(), newPipes()
		h1 := startHead(t, first.head(1))
		h1.Finish(t.Context(), Outcome{})
		dialed := make(chan struct{}, 1000)
		cfg := first.worker("b", "10.0.0.2")
		cfg.Dial = func(ctx context.Context) (net.Conn, error) {
			dialed <- struct{}{}
			if c, err := first.dial(ctx, addr("10.0.0.2")); err == nil {
				return c, nil
			}
			return second.dial(ctx, addr("10.0.0.2"))
		}

		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := Join(short, cfg)
		if e := as[*UnreachableError](t, err); !strings.Contains(e.Error(), "the run has ended; start it again") {
			t.Errorf("error %v", e)
		}
		if n := len(dialed); n < 5 || n > 20 {
			t.Errorf("%d tries in 5 seconds", n)
		}

		j := start(t.Context(), cfg)
		synctest.Wait()
		_ = h1.Close()
		h2 := startHead(t, second.head(2))
		gather(t, h2)
		closeAll(t, h2, (<-j).Worker)
	})
}

func TestNodeThatWasLostIsToldToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
		_ = r.workers[0].Close()
		<-r.head.Events()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := Join(ctx, p.worker("b", "10.0.0.2")) // its container was restarted
		if e := as[*UnreachableError](t, err); !strings.Contains(e.Error(), "has lost b (10.0.0.2)") {
			t.Errorf("error %v", e)
		}
		r.close(t)
	})
}
