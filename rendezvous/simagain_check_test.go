package rendezvous

import (
	"slices"
	"strings"
	"testing"
)

// checkRunning wants the same run on every node that it has a place for.
func (c *cluster) checkRunning(t *testing.T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	running := 0
	for _, h := range c.hosts {
		if now := c.now[h.name]; strings.HasPrefix(now, "running ") && now == c.now["head"] {
			running++
		}
	}
	if running != min(c.most, len(c.hosts)) {
		t.Errorf("a minute after the last fault %d of %d nodes run: %v", running, c.most, c.now)
	}
}

// checkEnd wants the job's outcome on every node of its run, and each node at its
// rank.
func (c *cluster) checkEnd(t *testing.T) {
	told := 0
	for _, h := range c.hosts {
		switch {
		case h.outcome == nil && len(c.hosts) > c.most: // the node too many, whichever it is
		case h.outcome == nil || c.final == nil || h.outcome.Cause != c.final.Cause || h.outcome.Code != 0:
			t.Errorf("%s ended with %+v, the job with %+v", h.name, h.outcome, c.final)
		default:
			told++
		}
		if len(c.hosts) > c.nodes { // places go to who is there
			continue
		}
		ranks := make(map[int]bool)
		for _, rank := range h.places {
			ranks[rank] = true
		}
		// Either the head or all workers know each node's place.
		if head, worker := c.killed(); (!head || !worker) && len(ranks) > 1 || !worker && !ranks[h.first.Rank] {
			t.Errorf("%s had the ranks %v, and %d before", h.name, h.places, h.first.Rank)
		}
	}
	if told < min(c.most, len(c.hosts)) {
		t.Errorf("%d of %d nodes were told the outcome", told, c.most)
	}
	if c.restless != nil {
		t.Errorf("lost when no fault was left: %v", c.restless)
	}
	if c.robbed != nil {
		t.Errorf("refused while their places were held: %v", c.robbed)
	}
	ids := make(map[string]bool)
	for _, r := range c.rosters {
		if ids[r.RunID] {
			t.Errorf("two runs are %s", r.RunID)
		}
		ids[r.RunID] = true
		if len(r.Nodes) < c.nodes || len(r.Nodes) > c.most || slices.ContainsFunc(r.Nodes, func(n Node) bool { return n.Gone }) {
			t.Errorf("a run began with %s", names(r))
		}
		seen := make(map[string]bool)
		for _, n := range r.Nodes {
			if seen[n.Name] {
				t.Errorf("a node counts twice: %s", names(r))
			}
			seen[n.Name] = true
		}
	}
}
