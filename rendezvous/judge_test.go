package rendezvous

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// standing is a head in that state with the workers b and c, each on its second
// connection, of three nodes that it needs.
func standing(t *testing.T, state headState, change func(*HeadConfig)) *Head {
	t.Helper()
	cfg := newPipes().head(3)
	cfg.Self.Addr = addr("10.0.0.1")
	if state == gathering {
		cfg.NotBefore = time.Now().Add(time.Hour)
	}
	change(&cfg)
	h := startHead(t, cfg)
	t.Cleanup(func() { _ = h.Close() })
	h.mu.Lock()
	for _, a := range []application{nodeOf("b", "10.0.0.2"), nodeOf("c", "10.0.0.3")} {
		h.members[a.ID] = newMember(a, deadSession())
		h.members[a.ID].before = h.placeBefore(a)
	}
	if state == agreed || state == going {
		h.tryAgree()
	}
	if state == going {
		for _, m := range h.placed {
			h.markReady(m)
		}
	}
	h.mu.Unlock()
	if state == ended {
		h.finish(theEnd)
	}
	if h.state != state {
		t.Fatalf("the head is in state %d, want %d", h.state, state)
	}
	return h
}

// nodeOf is what a node sends, whose ID is its name.
func nodeOf(name, at string) application {
	return application{ID: name, Try: 2, Node: Node{Name: name, Addr: addr(at), Rank: NoRank}}
}

// TestEachRefusal is tried again or not as the document's table has it.
func TestEachRefusal(t *testing.T) {
	plain := func(*HeadConfig) {}
	two := func(c *HeadConfig) { c.MaxNodes = 4 }
	late := func(c *HeadConfig) { c.MaxNodes, c.Rejoin = 4, true }
	held := func(c *HeadConfig) {
		c.MaxNodes, c.HeldUntil = 4, time.Now().Add(time.Hour)
		c.Was = Roster{RunID: "OLD", Nodes: []Node{{Name: "head"}, {Name: "b"}, {Name: "c"}, {Name: "z"}}}
	}
	ranked := func(a application, rank int) application {
		a.Node.Rank = rank
		return a
	}
	again := func(a application, id string, try int) application {
		a.ID, a.Try = id, try
		return a
	}
	b, d := nodeOf("b", "10.0.0.2"), nodeOf("d", "10.0.0.4")
	for name, c := range map[string]struct {
		state  headState
		set    func(*HeadConfig)
		play   func(*Head)
		comes  application
		reason string // part of it; empty: it is taken in
		retry  bool
	}{
		"the head's rank":          {gathering, two, nil, ranked(d, 0), "has rank 0, and so has", false},
		"a rank that isn't there":  {gathering, two, nil, ranked(d, 4), "has rank 4, and the run has 4", false},
		"too many, not yet agreed": {gathering, plain, nil, d, "has its 3 nodes, and begins", true},
		"held":                     {gathering, held, nil, d, "are held for nodes", true},
		"held, but ranked":         {gathering, held, nil, ranked(d, 3), "", false},
		"beside those held":        {gathering, func(c *HeadConfig) { held(c); c.MaxNodes = 5 }, nil, d, "", false},
		"no longer held":           {gathering, func(c *HeadConfig) { held(c); c.HeldUntil = time.Now() }, nil, d, "", false},
		"too many":                 {going, plain, nil, d, "has its 3 nodes: ", false},
		"too many, starting":       {agreed, plain, nil, d, "has its 3 nodes: ", false},
		"starting":                 {agreed, two, nil, d, "is starting", true},
		"ended":                    {ended, plain, nil, d, "has ended", true},
		"an earlier connection":    {gathering, plain, nil, again(b, "b", 1), "on another connection", true},
		"the same connection":      {gathering, plain, nil, b, "on another connection", true},
		"an earlier one, agreed":   {agreed, plain, nil, again(b, "b", 1), "on another connection", true},
		"the same one, agreed":     {agreed, plain, nil, b, "on another connection", true},
		"the same one, going":      {going, late, nil, b, "on another connection", true},
		"its next one, gathering":  {gathering, plain, nil, again(b, "b", 3), "", false},
		"its next one, agreed":     {agreed, plain, nil, again(b, "b", 3), "has lost b", true},
		"its next one, going":      {going, plain, nil, again(b, "b", 3), "has lost b", true},
		"its next, taken back":     {going, late, nil, again(b, "b", 3), "", false},
		"one of it that is lost":   {going, two, func(h *Head) { h.drop(h.placed[1], "lost") }, again(b, "x", 1), "has lost b", true},
		"here already":             {going, late, nil, again(b, "x", 1), "not clear yet", true},
		"later":                    {going, late, nil, d, "", false},
		"later, without more room": {going, func(c *HeadConfig) { c.Rejoin = true }, nil, d, "has its 3 nodes", false},
		"where one was lost":       {going, func(c *HeadConfig) { c.Rejoin = true }, func(h *Head) { h.drop(h.placed[1], "lost") }, d, "", false},
		"where none may take it":   {going, plain, func(h *Head) { h.drop(h.placed[1], "lost") }, d, "has its 3 nodes", false},
		"on another's address":     {going, func(c *HeadConfig) { late(c); c.UniqueAddrs = true }, nil, nodeOf("d", "10.0.0.2"), "has the address of b", false},
		"on the head's address":    {going, func(c *HeadConfig) { late(c); c.UniqueAddrs = true }, nil, nodeOf("d", "10.0.0.1"), "has the address of head", false},
		"on that of one lost":      {going, func(c *HeadConfig) { late(c); c.UniqueAddrs = true }, func(h *Head) { h.drop(h.placed[1], "lost") }, nodeOf("d", "10.0.0.2"), "", false},
	} {
		h := standing(t, c.state, c.set)
		h.mu.Lock()
		if c.play != nil {
			c.play(h)
		}
		no := h.judge(h.self.node, c.comes)
		h.mu.Unlock()
		switch {
		case no == nil && c.reason != "":
			t.Errorf("%s: taken in, want %q", name, c.reason)
		case no != nil && (c.reason == "" || !strings.Contains(no.Reason, c.reason) || no.Retry != c.retry):
			t.Errorf("%s: refused, retry %t: %s; want %q", name, no.Retry, no.Reason, c.reason)
		}
	}
}

// TestDoubtIsAboutOneNode: the run waits to know whether a member lives only where the
// newcomer has its name, its address and the same rank, or none, from a scheduler.
func TestDoubtIsAboutOneNode(t *testing.T) {
	other := nodeOf("b", "10.0.0.2")
	other.Node.Rank = 3
	double := nodeOf("b", "10.0.0.2")
	double.ID = "x"
	for name, c := range map[string]struct {
		comes application
		want  bool
	}{
		"the same": {double, true}, "its name alone": {nodeOf("b", "10.0.0.9"), false},
		"its address alone": {nodeOf("x", "10.0.0.2"), false}, "another rank": {other, false},
	} {
		h := standing(t, gathering, func(c *HeadConfig) { c.MaxNodes = 9 })
		c.comes.ID = "x"
		h.mu.Lock()
		if no := h.judge(h.self.node, c.comes); no != nil || h.inDoubt() != c.want {
			t.Errorf("%s: in doubt %t, refused: %v", name, h.inDoubt(), no)
		}
		h.mu.Unlock()
	}
	h := standing(t, gathering, func(c *HeadConfig) { c.MaxNodes = 9 })
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range 100 { // which it may not be able to answer as fast
		double.ID = fmt.Sprint("x", i)
		_ = h.judge(h.self.node, double)
	}
	if n := len(h.members["b"].sess.out.frames); n < 1 || n > maxQueued/2 {
		t.Errorf("a member is asked %d times", n)
	}
}

// TestDoubtIsOver for one newcomer when the member has answered the ping that was sent
// for its sake, and not that for another, or for its own sake before.
func TestDoubtIsOver(t *testing.T) {
	h := standing(t, gathering, func(c *HeadConfig) { c.MaxNodes, c.UniqueAddrs = 9, true })
	b := h.members["b"]
	for i, c := range []struct {
		comes string // empty: the member answers
		want  string
	}{
		{"x", "not clear"},
		{"x", "not clear"},
		{"", ""},
		{"x", "has the address of"},
		{"x", "not clear"}, // as it comes again
		{"", ""},
		{"x", "has the address of"},
		{"y", "not clear"},
		{"y", "not clear"},
		{"", ""},
		{"y", "has the address of"},
	} {
		if c.comes == "" {
			h.hear(b, message{Type: kindPong})
			continue
		}
		double := nodeOf("b", "10.0.0.2")
		double.ID = c.comes
		h.mu.Lock()
		no := h.judge(h.self.node, double)
		if no == nil || !strings.Contains(no.Reason, c.want) || h.inDoubt() != no.Retry {
			t.Errorf("%d: %s is told %v, want %q; in doubt: %t", i, c.comes, no, c.want, h.inDoubt())
		}
		h.mu.Unlock()
	}
}

// TestWhoHearsTheOutcome with the refusal when the run has ended: a node that was in it,
// or in the one before, if this one was not agreed.
func TestWhoHearsTheOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		agreed bool
		was    *Place
		want   bool
	}{
		"nobody":                         {true, nil, false},
		"of this run":                    {true, &Place{"RUN", 1}, true},
		"of another":                     {true, &Place{"OTHER", 1}, false},
		"of the one before":              {true, &Place{"OLD", 1}, false},
		"of the one before, if no other": {false, &Place{"OLD", 1}, true},
		"of another, if no other":        {false, &Place{"OTHER", 1}, false},
	} {
		h := standing(t, gathering, func(cfg *HeadConfig) {
			cfg.Was = Roster{RunID: "OLD", Nodes: []Node{{Name: "head"}, {Name: "b"}}}
		})
		h.mu.Lock()
		h.roster.RunID, h.cfg.NotBefore = "RUN", time.Time{}
		if c.agreed {
			h.tryAgree()
		}
		h.mu.Unlock()
		h.finish(theEnd)
		a := nodeOf("b", "10.0.0.2")
		a.Was = c.was
		h.mu.Lock()
		if no := h.judge(h.self.node, a); no == nil || (no.outcome != nil) != c.want {
			t.Errorf("%s: %+v", name, no)
		}
		h.mu.Unlock()
	}
}

// TestPlacesOfLaterNodes: its own, then a new one, then any that is empty.
func TestPlacesOfLaterNodes(t *testing.T) {
	const b, c = 1, 2 // their ranks
	ranked := nodeOf("x", "10.0.0.9")
	ranked.Node.Rank = c
	was := nodeOf("x", "10.0.0.9")
	was.Was = &Place{"RUN", c}
	for name, tt := range map[string]struct {
		most   int
		rejoin bool
		lost   []int
		comes  application
		want   int
	}{
		"its own before a new one":   {9, true, []int{b, c}, nodeOf("c", "10.0.0.3"), c},
		"the one that it had":        {9, true, []int{b, c}, was, c},
		"the scheduler's":            {9, true, []int{b, c}, ranked, c},
		"of its name before others":  {3, true, []int{b, c}, nodeOf("c", "10.0.0.9"), c},
		"of its name before new":     {9, true, []int{c}, nodeOf("c", "10.0.0.9"), c},
		"a new one before another's": {9, true, []int{b}, nodeOf("x", "10.0.0.9"), 3},
		"the first that is empty":    {3, true, []int{c, b}, nodeOf("x", "10.0.0.9"), b},
		"none":                       {3, true, nil, nodeOf("x", "10.0.0.9"), NoRank},
		"none that was lost":         {3, false, []int{b}, nodeOf("x", "10.0.0.9"), NoRank},
		"a new one where none comes": {4, false, []int{b}, nodeOf("b", "10.0.0.2"), 3},
	} {
		h := standing(t, going, func(cfg *HeadConfig) { cfg.MaxNodes, cfg.Rejoin = tt.most, tt.rejoin })
		h.mu.Lock()
		h.roster.RunID = "RUN"
		for _, rank := range tt.lost {
			h.drop(h.placed[rank], "lost")
		}
		if got := h.placeFor(tt.comes); got != tt.want {
			t.Errorf("%s: rank %d, want %d", name, got, tt.want)
		}
		h.mu.Unlock()
	}
}
