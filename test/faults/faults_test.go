package faults

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/test/need"
)

var update = flag.Bool("update", false, "write docs/faults.md anew")

// states are those of a run that a fault can meet.
var states = []string{"gathering", "agreed", "starting", "running", "draining"}

// fault is a row of the table.
type fault struct {
	name  string
	do    func(s *scene)
	undo  func(s *scene) // after half of LOST_AFTER, or see late; nil: the fault is for good
	late  string         // who is out of touch, "worker" or "head", until the others have lost it
	slow  bool           // takes a longer LOST_AFTER, that a busy machine can keep too
	fatal bool           // no run survives it that has begun
	gone  string         // who is killed or frozen for good: "worker", "head", "" for nobody
	maybe bool           // chance decides
	small bool           // the worker has a disk that is soon full
	words string         // how a node says that it has lost another
}

const (
	silent = "silent for [248]s"
	closed = "connection (closed|reset)"
	killed = closed + "|its supervisor is gone"
)

var faults = []fault{
	{name: "the worker's link goes down", do: linkDown, fatal: true, words: silent},
	{name: "… and comes up in half of LOST_AFTER", do: linkDown, undo: linkUp, slow: true},
	{name: "… and comes up when the worker is lost", do: linkDown, undo: linkUp, late: "worker", words: silent},
	{name: "nothing from the worker arrives", do: func(s *scene) { s.head.in("iptables -A INPUT -s " + s.work.addr + " -p tcp -j DROP") }, fatal: true, words: silent},
	{
		name: "nothing from the head arrives", do: func(s *scene) { s.work.in("iptables -A INPUT -s " + s.head.addr + " -p tcp -j DROP") }, fatal: true,
		words: silent + "|" + closed, // the worker leaves first
	},
	{
		name: "30 % of packets are lost, both ways", do: func(s *scene) { s.work.link.weather.Store(&weather{loss: 0.3}) }, slow: true, maybe: true,
		words: silent + "|" + closed + "|it has read nothing for [248]s",
	},
	{name: "500 ms delay each way", do: func(s *scene) { s.work.link.weather.Store(&weather{delay: 500 * time.Millisecond}) }, slow: true},
	{name: "packets doubled and reordered", do: func(s *scene) {
		s.work.link.weather.Store(&weather{twice: 0.3, disorder: 20 * time.Millisecond})
	}},
	{name: "the worker is frozen (SIGSTOP)", do: freezeWorker, fatal: true, gone: "worker", words: silent},
	{name: "… and goes on in half of LOST_AFTER", do: freezeWorker, undo: thawWorker, slow: true},
	{name: "… and goes on when it is lost", do: freezeWorker, undo: thawWorker, late: "worker", words: silent},
	{name: "the worker is killed", do: func(s *scene) {
		s.work.signal("syminit", syscall.SIGKILL)
		if !s.other.opened { // gathering: it is counted out before the next comes
			s.says(s.head, "node left while others are waited for")
		}
	}, fatal: true, gone: "worker", words: killed},
	{name: "the head is frozen (SIGSTOP)", do: func(s *scene) { s.freeze(s.head) }, fatal: true, gone: "head", words: silent},
	{
		name: "… and goes on when it is lost", do: func(s *scene) { s.freeze(s.head) },
		undo: func(s *scene) { s.thaw(s.head) }, late: "head", words: silent,
	},
	{name: "the head is killed", do: func(s *scene) { s.head.signal("syminit", syscall.SIGKILL) }, fatal: true, gone: "head", words: killed},
	{name: "the worker's disk is full", do: func(s *scene) { s.work.fill(s.t) }, small: true},
}

// lostAfter is LOST_AFTER where the fault meets that state.
func (f fault) lostAfter(state string) time.Duration {
	switch {
	case f.slow:
		return 4 * lostTime
	case state == "gathering": // the other node has to come within that
		return 2 * lostTime
	}
	return lostTime
}

func linkDown(s *scene)     { s.work.in("ip link set eth0 down") }
func linkUp(s *scene)       { s.work.in("ip link set eth0 up") }
func freezeWorker(s *scene) { s.freeze(s.work) }
func thawWorker(s *scene)   { s.thaw(s.work) }

// TestFaults has every fault meet a run in every state.
func TestFaults(t *testing.T) {
	needs(t)
	built := build(t)
	cells := make([][]cell, len(faults))
	places := make(chan struct{}, 10) // they wait more than they work
	var wg sync.WaitGroup
	for i, f := range faults {
		cells[i] = make([]cell, len(states))
		for j, state := range states {
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				t.Run(state+"/"+f.name, func(t *testing.T) { cells[i][j] = meet(t, built, f, state) })
			})
		}
	}
	wg.Wait()
	whole := true // and not what -run picks
	for _, row := range cells {
		whole = whole && !slices.Contains(row, cell{})
	}
	if whole {
		compare(t, cells)
	}
}

func needs(t *testing.T) {
	t.Helper()
	missing := ""
	if os.Getuid() != 0 {
		missing = "root"
	}
	for _, tool := range []string{"ip", "iptables", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = tool
		}
	}
	if missing != "" {
		need.Missing(t, "needs %s: makes network namespaces and faults in them", missing)
	}
}

// cell is what came of a fault in a state.
type cell struct{ outcome, times string }

// meet has one fault meet one state.
func meet(t *testing.T, built string, f fault, state string) cell {
	s := newScene(t, built, f, state)
	s.come(state)
	s.struck = time.Now()
	f.do(s)
	if f.undo != nil && f.late == "" {
		back := time.AfterFunc(s.lostAfter/2, func() { f.undo(s) })
		defer back.Stop()
	}
	s.goOn(f, state)
	s.wait(f)
	c := cell{s.verdict(f, state), s.times(f)}
	t.Logf("%s (%s)", c.outcome, c.times)
	return c
}

const page = "../../docs/faults.md"

// compare holds the outcomes against the ones in docs. The times there are those
// of one run: load makes them longer.
func compare(t *testing.T, cells [][]cell) {
	outcomes := table("", cells, func(c cell) string { return c.outcome })
	if *update && !t.Failed() {
		text := heading + outcomes + timesHeading + table("SYMINIT_LOST_AFTER", cells, func(c cell) string { return c.times })
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(heading + outcomes + timesHeading) {
		if !strings.Contains(string(have), line) {
			t.Errorf("docs/faults.md lacks\n%s\nif that is meant: go test ./test/faults -update", line)
		}
	}
}

// table has a column more for what LOST_AFTER was, if that has a name.
func table(lostAfter string, cells [][]cell, text func(cell) string) string {
	var b strings.Builder
	line := func(name, lost string, cells []string) {
		if lostAfter != "" {
			name += " | " + lost
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, strings.Join(cells, " | "))
	}
	line("fault", lostAfter, states)
	line("---", "---", slices.Repeat([]string{"---"}, len(states)))
	for i, f := range faults {
		texts := make([]string, len(states))
		for j, c := range cells[i] {
			texts[j] = text(c)
		}
		lost := fmt.Sprintf("%.0f, gathering %.0f", f.lostAfter("").Seconds(), f.lostAfter("gathering").Seconds())
		if f.slow {
			lost = fmt.Sprintf("%.0f", f.lostAfter("").Seconds())
		}
		line(f.name, lost, texts)
	}
	return b.String()
}

const heading = `# Faults

What happens to a run of three nodes when something goes wrong with one of them:
a head, a worker, and one more worker that nothing happens to. The test in
test/faults does this, and writes this page: ` + "`go test ./test/faults -update`" + `.

Each node is the shipped binary as process 1 of a container: in PID, mount, network,
host name and IPC namespaces of its own, on one network with the others. A program
stands in for Ray, with a GCS, raylets and Ray's token, and another one for the
job, which ends with 3 when it is told to. The links between the nodes are a program,
too, with a TAP interface at each end: it loses, delays, doubles and reorders packets
as tc netem would, which not every kernel has.

"survived" means that the run goes on to its job's end and that every node ends
with the job's code. Else the cell says with what each node ends that is still
there. A run that has lost a node ends with 69 (SYMINIT_RESTARTS gathers it again,
SYMINIT_ON_LOSS=ignore goes on without it): at once where the connection closes,
within SYMINIT_LOST_AFTER where it is silent.

"survived, or 69": chance decides which. Never do two nodes have different codes from
the head for one run. One that has lost the head knows none, says that it has lost
the head, and ends with 69.

gathering: the head and the worker are here, the other is not. agreed: all have the
roster and Ray's token, and no Ray is up. starting: Ray is up on the head and the
other, not on the worker. running: the job runs. draining: the job has ended, and
the fault comes before the nodes know: the head's agent is stopped from before the
one until after the other.

Frozen is the whole container, every process in it, as by docker pause. Killed is its
process 1, as by docker kill. A full disk is one where TMPDIR, /dev/shm and the place
of the log have no room.

Nodes that come back after kills, cuts and freezes, drawn by chance, are in the
same folder: TestConvergence.

`

const timesHeading = `
How long it took, in seconds from the fault, when this page was written, on 2 cores
with ten runs at a time. "lost" is when the first node found that another is lost;
after the names is when these nodes' containers had ended. "job" is when the job was
told to end, which the test does where the run survives; it leaves a process that
heeds no TERM, which the head's container kills a second later. SYMINIT_LOST_AFTER is
in seconds, too; in gathering the other node has still to come within it.
SYMINIT_JOIN_TIMEOUT is 15 s: nodes that don't find the head, or of which too few are
there, wait so long.

`
