package faults

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"
)

// event is one thing that happens to some of the nodes; 0 is the head.
type event struct {
	kind  string
	nodes []int
	hasty bool // the next comes before the job runs again
}

func (e event) String() string {
	text := fmt.Sprintf("%s %v", e.kind, e.nodes)
	if e.hasty {
		text += ", and at once"
	}
	return text
}

// What kinds there are. Those that end the run for sure are fatal.
const (
	killInit   = "process 1 killed"
	killAgent  = "agent killed"
	killJob    = "job killed"
	killRay    = "Ray killed"
	killThree  = "process 1 of three nodes killed"
	cutLong    = "cut off for longer than LOST_AFTER"
	cutShort   = "cut off for a moment"
	freezeLong = "frozen for longer than LOST_AFTER"
	freezeHalf = "frozen for a moment"
)

var kinds = []string{killInit, killAgent, killJob, killRay, killThree, cutLong, cutShort, freezeLong, freezeHalf}

func (e event) fatal() bool { return e.kind != cutShort && e.kind != freezeHalf }

// inARow is how many events may leave the head's container alone, one after
// another: with each restart that it counts it waits twice as long.
const inARow = 3

// draw makes the events of a seed.
func draw(seed uint64, n int) (events []event) {
	dice := rand.New(rand.NewPCG(seed, 0))
	spared := 0
	for range n {
		e := event{kind: kinds[dice.IntN(len(kinds))], nodes: []int{dice.IntN(5)}}
		if spared >= inARow {
			e = event{kind: []string{killInit, killAgent, killThree}[dice.IntN(3)], nodes: []int{0}}
		}
		switch e.kind {
		case killJob:
			e.nodes = []int{0}
		case killThree:
			others := dice.Perm(4)
			e.nodes = []int{0, others[0] + 1, others[1] + 1}
		}
		e.hasty = dice.IntN(4) == 0
		spared++
		if e.nodes[0] == 0 && strings.Contains(killInit+killAgent+killThree, e.kind) {
			spared = 0
		}
		events = append(events, e)
	}
	return events
}

// strike has an event happen, and returns when it is over.
func (e event) strike(t *testing.T, nodes []*host) {
	victim := nodes[e.nodes[0]]
	kill := func(h *host, name string) {
		await(t, nodes, fmt.Sprintf("%s has a %s", h.name, name), func() error {
			if !h.signal(name, syscall.SIGKILL) {
				return fmt.Errorf("it has %v", h.inside())
			}
			return nil
		})
	}
	long, short := lostTime*2, lostTime/2
	switch e.kind {
	case killInit, killThree:
		for _, i := range e.nodes {
			kill(nodes[i], "syminit")
		}
	case killAgent:
		kill(victim, "syminit-agent")
	case killJob:
		kill(victim, "job")
	case killRay:
		kill(victim, "raylet")
	case cutLong, cutShort:
		sh(t, "ip -n "+victim.hub+" link set "+victim.wire+" down")
		<-time.After(map[string]time.Duration{cutLong: long, cutShort: short}[e.kind])
		sh(t, "ip -n "+victim.hub+" link set "+victim.wire+" up")
	case freezeLong, freezeHalf:
		victim.signal("syminit-agent", syscall.SIGSTOP)
		<-time.After(map[string]time.Duration{freezeLong: long, freezeHalf: short}[e.kind])
		victim.signal("syminit-agent", syscall.SIGCONT)
	}
}
