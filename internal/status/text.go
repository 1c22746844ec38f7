package status

import (
	"fmt"
	"strings"
	"time"
)

// states are all that a run goes through, for the metric.
var states = [...]string{"gathering", "agreed", "starting", Running, "draining", "done"}

// metrics is the state in Prometheus' text format.
func metrics(s State, ready bool) string {
	var b strings.Builder
	metric := func(name, kind, help string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", name, help, kind)
	}
	metric("syminit_info", "gauge", "Who this node is.")
	fmt.Fprintf(&b, "syminit_info{version=%s,node=%s,run=%s,runtime=%s} 1\n", label(s.Version), label(s.Node), label(s.Run), label(s.Runtime))
	metric("syminit_state", "gauge", "1 for the state that this node is in.")
	for _, state := range states {
		fmt.Fprintf(&b, "syminit_state{state=%s} %d\n", label(state), number(s.State == state))
	}
	metric("syminit_state_seconds", "gauge", "When this node came into its state, in seconds since 1970.")
	fmt.Fprintf(&b, "syminit_state_seconds %.3f\n", float64(s.Since.UnixMilli())/1000)
	metric("syminit_ready", "gauge", "1 where the run is running, and its server serves.")
	fmt.Fprintf(&b, "syminit_ready %d\n", number(ready))
	metric("syminit_nodes", "gauge", "How many nodes the run has, or needs.")
	fmt.Fprintf(&b, "syminit_nodes %d\n", s.Nodes)
	metric("syminit_rank", "gauge", "This node's rank; -1 until it is agreed.")
	fmt.Fprintf(&b, "syminit_rank %d\n", s.Rank)
	metric("syminit_runs_total", "counter", "How many runs this container has begun.")
	fmt.Fprintf(&b, "syminit_runs_total %d\n", s.Attempt)
	return b.String()
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// label quotes a label's value as the format wants it.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "?")) + `"`
}

// Lines is the state for a person, with what Ready said of it.
func (s *State) Lines(now time.Time, notReady error) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s%s\n", name, strings.TrimSpace(value))
		}
	}
	state := s.State
	if state == "" {
		state = "starting syminit"
	}
	if !s.Since.IsZero() {
		state += " for " + now.Sub(s.Since).Round(time.Second).String()
	}
	line("state", state)
	if notReady == nil {
		line("ready", "yes")
	} else {
		line("ready", "no: "+notReady.Error())
	}
	line("node", s.Node)
	switch {
	case s.Rank >= 0:
		line("rank", fmt.Sprintf("%d of %d nodes", s.Rank, s.Nodes))
	case s.Nodes > 0:
		line("rank", fmt.Sprintf("not agreed yet; %d nodes are needed", s.Nodes))
	}
	if s.Attempt > 0 {
		run := fmt.Sprintf("number %d in this container", s.Attempt)
		if s.Run != "" {
			run = s.Run + ", " + run
		}
		line("run", run)
	}
	line("runtime", s.Runtime)
	line("before", s.Last)
	for i, n := range s.Roster {
		name := ""
		if i == 0 {
			name = "nodes"
		}
		line(name, fmt.Sprintf("%d  %s  %s", n.Rank, n.Name, n.Addr))
	}
	if more := s.Nodes - len(s.Roster); more > 0 && len(s.Roster) > 0 {
		fmt.Fprintf(&b, "%9sand %d more\n", "", more)
	}
	line("syminit", s.Version)
	return b.String()
}
