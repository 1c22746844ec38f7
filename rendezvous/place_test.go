package rendezvous

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

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
		inBubble(t, c.name, func(t *testing.T) {
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
	}
}

// TestRanksOfSomeAreWarnedOf: when the ranks are fixed, and not while they may
// still be right.
func TestRanksOfSomeAreWarnedOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(4)
		seen := logged(&cfg.Log)
		warned := func() int { return seen.FilterMessageSnippet("not every node has a rank").Len() }
		h := startHead(t, cfg)
		workers := []WorkerConfig{p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"), p.worker("d", "10.0.0.4")}
		workers[0].Self.Rank = 2
		joins := []<-chan joined{start(t.Context(), workers[0]), start(t.Context(), workers[1])}

		deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := h.Gather(deadline)
		if e := as[*MissingError](t, err); e.Have != 3 || warned() != 0 {
			t.Errorf("warned %d times: %v", warned(), e)
		}
		r := &run{head: h, workers: make([]*Worker, len(workers))}
		r.gather(t, append(joins, start(t.Context(), workers[2])))
		if warned() != 1 {
			t.Errorf("warned %d times, want once", warned())
		}
		r.close(t)
	})
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

// TestPlacesComeBack has the nodes of a run come again, some of them with
// another address or without their memory, and others in their place.
func TestPlacesComeBack(t *testing.T) {
	was := Roster{RunID: "OLD", Nodes: []Node{
		{Name: "head", Addr: addr("10.0.0.1")},
		{Name: "b", Addr: addr("10.0.0.9")},
		{Name: "c", Addr: addr("10.0.0.8")},
		{Name: "d", Addr: addr("10.0.0.7")},
	}}
	type node struct {
		name, addr string
		was        Place
	}
	for _, c := range []struct {
		name  string
		was   Roster
		nodes []node
		want  string
	}{
		{"nothing is known: by address", Roster{}, []node{
			{"b", "10.0.0.9", Place{}}, {"c", "10.0.0.8", Place{}}, {"d", "10.0.0.7", Place{}},
		}, "[head d c b]"},
		{"containers that came back: the head knows them", was, []node{
			{"d", "10.0.0.7", Place{}}, {"c", "10.0.0.8", Place{}}, {"b", "10.0.0.9", Place{}},
		}, "[head b c d]"},
		{"with other addresses: by name", was, []node{
			{"d", "10.0.0.2", Place{}}, {"c", "10.0.0.3", Place{}}, {"b", "10.0.0.4", Place{}},
		}, "[head b c d]"},
		{"another in place of one", was, []node{
			{"d", "10.0.0.7", Place{}}, {"x", "10.0.0.2", Place{}}, {"b", "10.0.0.9", Place{}},
		}, "[head b x d]"},
		{"a head that came back: the workers know", Roster{}, []node{
			{"b", "10.0.0.2", Place{"OLD", 3}}, {"c", "10.0.0.3", Place{"OLD", 1}}, {"d", "10.0.0.4", Place{"OLD", 2}},
		}, "[head c d b]"},
		{"most of the workers, of one run", Roster{}, []node{
			{"b", "10.0.0.2", Place{"OLD", 3}}, {"c", "10.0.0.3", Place{"OLD", 1}}, {"d", "10.0.0.4", Place{"OLDER", 3}},
		}, "[head c d b]"},
		{"a place that is another's", was, []node{
			{"b", "10.0.0.9", Place{"OLD", 1}}, {"c", "10.0.0.8", Place{"OLD", 1}}, {"d", "10.0.0.7", Place{"OLD", 77}},
		}, "[head b c d]"},
		{"a stale place means nothing to a head that remembers", was, []node{
			{"b", "10.0.0.9", Place{"OLDER", 3}}, {"c", "10.0.0.8", Place{}}, {"d", "10.0.0.7", Place{"OLDER", 1}},
		}, "[head b c d]"},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(1 + len(c.nodes))
			cfg.Was = c.was
			var workers []WorkerConfig
			for _, n := range c.nodes {
				w := p.worker(n.name, n.addr)
				w.Was = n.was
				workers = append(workers, w)
			}
			r := agree(t, cfg, workers...)
			if got := names(r.roster); got != c.want {
				t.Errorf("ranks %s, want %s", got, c.want)
			}
			for i, n := range r.roster.Nodes {
				if n.Rank != i {
					t.Errorf("%s has rank %d at %d", n, n.Rank, i)
				}
			}
			r.close(t)
		})
	}
}
