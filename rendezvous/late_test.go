package rendezvous

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// rosters collects what a worker is told of changes.
type rosters chan string

func (c rosters) changed(r Roster) { c <- names(r) }

// line is a worker's connection.
func (r *run) line(i int) *line { return r.workers[i].sess.conn.NetConn().(*lineEnd).line }

func TestLostNodeTakesItsPlaceAgain(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(p *pipes, r *run)
		was  bool // it knows its place, as a process does that has lost the head
		gone bool // the head is the first to know
	}{
		"its container came back":                {func(_ *pipes, r *run) { _ = r.workers[0].Close() }, false, true},
		"its connection broke":                   {func(_ *pipes, r *run) { r.line(0).reset() }, true, true},
		"it lost power":                          {func(_ *pipes, r *run) { r.line(0).cut() }, false, false},
		"it comes again before the head notices": {func(_ *pipes, r *run) { r.line(0).cut() }, true, false},
	} {
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(3)
			cfg.Rejoin, cfg.UniqueAddrs = true, true
			heard := make(rosters, 100)
			other := p.worker("c", "10.0.0.3")
			other.Changed = heard.changed
			r := agree(t, cfg, p.worker("b", "10.0.0.2"), other)
			r.ready(t)
			elapse(time.Minute)
			c.lose(p, r)
			if c.gone {
				if got := <-heard; got != "[head (b) c]" {
					t.Errorf("c was told %s", got)
				}
			}
			began := time.Now()
			again := p.worker("b", "10.0.0.2")
			if c.was {
				again.Was = r.workers[0].Place()
			}
			b := join(t, again)
			if d := time.Since(began); c.was && d > time.Second || d > cfg.LostAfter+pauseMax {
				t.Errorf("it was taken in after %s", d)
			}
			if b.Rank() != 1 || names(b.Roster()) != "[head b c]" || b.Roster().RunID != r.roster.RunID {
				t.Errorf("rank %d in %+v", b.Rank(), b.Roster())
			}
			lost, joined := (<-r.head.Events()).(Lost), (<-r.head.Events()).(Joined)
			if lost.Node.Name != "b" || !reflect.DeepEqual(joined.Node, nodeB) {
				t.Errorf("events %+v, %+v", lost, joined)
			}
			elapse(time.Second)
			got := ""
			for len(heard) > 0 {
				got = <-heard
			}
			if got != "[head b c]" || names(r.head.Roster()) != got || names(r.workers[1].Roster()) != got {
				t.Errorf("c was told %s, the head has %s", got, names(r.head.Roster()))
			}
			if err := b.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			elapse(time.Hour)
			_ = r.workers[0].Close()
			r.workers[0] = b
			finish(t, r.head, theEnd)
			if o := <-b.Outcome(); !reflect.DeepEqual(o, theEnd) {
				t.Errorf("outcome %+v", o)
			}
			r.close(t)
		})
	}
}

// TestPlaceOfAnother: a node that was lost comes back when another has its place, and
// doesn't drive that one out, which would do the same.
func TestPlaceOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		cfg.Rejoin, cfg.UniqueAddrs = true, true
		r := agree(t, cfg, p.worker("b", "10.0.0.2"))
		r.ready(t)
		r.line(0).reset()
		if lost, ok := (<-r.head.Events()).(Lost); !ok || lost.Node.Name != "b" {
			t.Errorf("event %+v", lost)
		}
		c := join(t, p.worker("c", "10.0.0.3"))
		back := p.worker("b", "10.0.0.2")
		back.Was = r.workers[0].Place()
		_, err := Join(t.Context(), back)
		_ = as[*RefusedError](t, err)
		if got := names(r.head.Roster()); got != "[head c]" {
			t.Errorf("the run has %s", got)
		}
		// But one that has come late may come again.
		back = p.worker("c", "10.0.0.3")
		back.Was = c.Place()
		again := join(t, back)
		if o := <-c.Outcome(); o.Code != codeLost {
			t.Errorf("the session that it gave up ends with %+v", o)
		}
		_ = c.Close()
		_ = r.workers[0].Close()
		r.workers[0] = again
		r.close(t)
	})
}

func TestMoreNodesThanNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		cfg.MaxNodes = 4
		heard := make(rosters, 100)
		b := p.worker("b", "10.0.0.9")
		b.Changed = heard.changed
		r := agree(t, cfg, b)

		c := start(t.Context(), p.worker("c", "10.0.0.3")) // while the run starts
		elapse(time.Second)
		if n := len(r.head.Roster().Nodes); n != 2 {
			t.Errorf("%d nodes in a run that starts with 2", n)
		}
		r.ready(t)
		d := start(t.Context(), p.worker("d", "10.0.0.4"))
		for i, want := range []string{"c", "d"} {
			j := <-[]<-chan joined{c, d}[i]
			if j.err != nil {
				t.Fatal(j.err)
			}
			if got := j.Roster().Nodes[j.Rank()]; got.Name != want || j.Rank() < 2 {
				t.Errorf("%s has rank %d", got, j.Rank())
			}
			if err := j.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			r.workers = append(r.workers, j.Worker)
		}
		elapse(time.Second)
		for len(heard) > 1 {
			<-heard
		}
		if got := <-heard; len(strings.Fields(got)) != 4 {
			t.Errorf("b was told %s", got)
		}
		_, err := Join(t.Context(), p.worker("e", "10.0.0.5"))
		if e := as[*RefusedError](t, err); !strings.Contains(e.Reason, "the run has its 4 nodes") {
			t.Errorf("one too many is told %v", e)
		}
		finish(t, r.head, theEnd)
		for _, w := range r.workers {
			if o := <-w.Outcome(); !reflect.DeepEqual(o, theEnd) {
				t.Errorf("outcome %+v", o)
			}
		}
		r.close(t)
	})
}

func TestAnotherNodeTakesAnEmptyPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		cfg.Rejoin = true
		r := agree(t, cfg, p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
		r.ready(t)
		_ = r.workers[0].Close()
		<-r.head.Events()
		x, err := Join(t.Context(), p.worker("x", "10.0.0.7"))
		if err != nil || x.Rank() != 1 {
			t.Fatalf("rank %d, error %v", x.Rank(), err)
		}
		// The one whose place it was is one too many now.
		_, err = Join(t.Context(), p.worker("b", "10.0.0.2"))
		_ = as[*RefusedError](t, err)
		r.workers[0] = x
		r.close(t)
	})
}

// TestNodesThatComeAndGoUnread has nobody read the events of a run that one node
// keeps leaving: the head does not hang, and goes on when they are read.
func TestNodesThatComeAndGoUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		cfg := p.head(3)
		cfg.Rejoin = true
		r := agree(t, cfg, p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3"))
		r.ready(t)
		_ = r.workers[0].Close()
		come := func() (*Worker, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			return Join(ctx, p.worker("b", "10.0.0.2"))
		}
		times := 0
		for ; ; times++ {
			b, err := come()
			if err != nil {
				if e := as[*UnreachableError](t, err); !strings.Contains(e.Error(), "not taken note") {
					t.Errorf("error %v", e)
				}
				break
			}
			_ = b.Fail(Outcome{Code: 1})
			_ = r.workers[1].Stop(15)
			_ = b.Close()
			synctest.Wait()
		}
		if times < 1 {
			t.Errorf("it came %d times", times)
		}
		for len(r.head.Events()) > 0 {
			<-r.head.Events()
		}
		b, err := come()
		if err != nil {
			t.Fatal(err)
		}
		r.workers[0] = b
		r.head.Finish(t.Context(), theEnd)
		r.close(t)
	})
}

func TestChangesThatMakeNoSense(t *testing.T) {
	r := Roster{Nodes: []Node{{Name: "head"}, {Name: "b", Rank: 1}}}
	for _, c := range []change{
		{Gone: []int{0}},
		{Gone: []int{2}},
		{Came: []Node{{Name: "x"}}},
		{Came: []Node{{Name: "x", Rank: 3}}},
		{Came: []Node{{Name: "x y", Rank: 2}}},
	} {
		if err := r.change(c); err == nil {
			t.Errorf("%+v was taken: %+v", c, r)
		}
	}
	if err := r.change(change{Came: []Node{{Name: "x", Rank: 2}, {Name: "y", Rank: 3}}, Gone: []int{2}}); err != nil || names(r) != "[head b (x) y]" {
		t.Errorf("roster %s, error %v", names(r), err)
	}
}
