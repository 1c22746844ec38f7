package faults

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/faults.md anew")

// states are those of a run that a fault can meet.
var states = []string{"gathering", "agreed", "starting", "running", "draining"}

// fault is a row of the table.
type fault struct {
	name  string
	do    func(w *world)
	undo  func(w *world)                          // after half of LOST_AFTER, or see late; nil: the fault is for good
	late  string                                  // who is out of touch, "worker" or "head", until the others have lost it
	slow  bool                                    // takes a longer LOST_AFTER, that a busy machine can keep too
	fatal bool                                    // no run survives it that has begun
	gone  string                                  // who is killed or frozen for good: "worker", "head", "" for nobody
	maybe bool                                    // chance decides
	meet  func(t *testing.T, state string) string // what happened, in place of do; nil: do
}

const (
	toHead   = "iptables -A INPUT -i eth0 -p tcp -j DROP"
	fromHead = toHead
)

var faults = []fault{
	{name: "the worker's link goes down", do: func(w *world) { w.in(w.far, "ip link set eth0 down") }, fatal: true},
	{
		name: "… and comes up in half of LOST_AFTER", do: func(w *world) { w.in(w.far, "ip link set eth0 down") },
		undo: func(w *world) { w.in(w.far, "ip link set eth0 up") }, slow: true,
	},
	{
		name: "… and comes up when the worker is lost", do: func(w *world) { w.in(w.far, "ip link set eth0 down") },
		undo: func(w *world) { w.in(w.far, "ip link set eth0 up") }, late: "worker",
	},
	{name: "nothing from the worker arrives", do: func(w *world) { w.in(w.near, toHead) }, fatal: true},
	{name: "nothing from the head arrives", do: func(w *world) { w.in(w.far, fromHead) }, fatal: true},
	{name: "30 % of packets are lost, both ways", do: func(w *world) { w.link.weather.Store(&weather{loss: 0.3}) }, slow: true, maybe: true},
	{name: "500 ms delay each way", do: func(w *world) { w.link.weather.Store(&weather{delay: 500 * time.Millisecond}) }, slow: true},
	{name: "packets doubled and reordered", do: func(w *world) {
		w.link.weather.Store(&weather{twice: 0.3, disorder: 20 * time.Millisecond})
	}},
	{name: "the worker is frozen (SIGSTOP)", do: func(w *world) { w.work.freeze() }, fatal: true, gone: "worker"},
	{
		name: "… and goes on in half of LOST_AFTER", do: func(w *world) { w.work.freeze() },
		undo: func(w *world) { _ = w.work.cmd.Process.Signal(syscall.SIGCONT) }, slow: true,
	},
	{
		name: "… and goes on when it is lost", do: func(w *world) { w.work.freeze() },
		undo: func(w *world) { _ = w.work.cmd.Process.Signal(syscall.SIGCONT) }, late: "worker",
	},
	{name: "the worker is killed", do: func(w *world) {
		_ = w.work.cmd.Process.Kill()
		if w.other == nil { // gathering: it is counted out before the next comes
			w.head.until("have 1")
		}
	}, fatal: true, gone: "worker"},
	{name: "the head is frozen (SIGSTOP)", do: func(w *world) { w.head.freeze() }, fatal: true, gone: "head"},
	{
		name: "… and goes on when it is lost", do: func(w *world) { w.head.freeze() },
		undo: func(w *world) { _ = w.head.cmd.Process.Signal(syscall.SIGCONT) }, late: "head",
	},
	{name: "the head is killed", do: func(w *world) { _ = w.head.cmd.Process.Kill() }, fatal: true, gone: "head"},
	{name: "the worker's disk is full", meet: fullDisk},
}

// TestFaults has every fault meet a run in every state.
func TestFaults(t *testing.T) {
	needs(t)
	table := make([][]string, len(faults))
	places := make(chan struct{}, 10) // they wait more than they work
	var wg sync.WaitGroup
	for i, f := range faults {
		table[i] = make([]string, len(states))
		for j, state := range states {
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				t.Run(state+"/"+f.name, func(t *testing.T) { table[i][j] = meet(t, f, state) })
			})
		}
	}
	wg.Wait()
	compare(t, table)
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
	switch {
	case missing == "":
	case os.Getenv("SYMINIT_TEST_REQUIRE") != "":
		t.Fatalf("needs %s", missing)
	default:
		t.Skipf("needs %s: makes network namespaces and faults in them", missing)
	}
}

// meet has one fault meet one state, and says what happened.
func meet(t *testing.T, f fault, state string) string {
	if f.meet != nil {
		return f.meet(t, state)
	}
	lostAfter := 2 * time.Second
	if f.slow {
		lostAfter = 8 * time.Second
	}
	w := newWorld(t, lostAfter, state == "draining")
	w.head = w.start("head", w.near)
	w.work = w.start("worker", w.far)
	w.head.until("have 2")
	if state != "gathering" {
		w.other = w.start("other", w.near)
		w.head.until("agreed")
		w.work.until("agreed")
		w.other.until("agreed")
	}
	if state != "gathering" && state != "agreed" {
		w.head.tell("ready")
		w.other.tell("ready")
	}
	if state == "running" || state == "draining" {
		w.work.tell("ready")
		w.head.until("going")
		w.work.until("going")
	}
	f.do(w)
	if f.undo != nil && f.late == "" {
		back := time.AfterFunc(lostAfter/2, func() { f.undo(w) })
		defer back.Stop()
	}
	switch state {
	case "gathering":
		w.other = w.start("other", w.near)
		fallthrough
	case "agreed":
		w.head.tell("ready")
		w.other.tell("ready")
		fallthrough
	case "starting":
		w.work.tell("ready")
	}
	w.head.tell("job")
	if f.late != "" {
		return w.lateVerdict(f, state)
	}
	return w.verdict(f, state)
}

// What a node says at its end.
const ended, lostHead = "end 3 the job ended", "end 69 lost the head"

// verdict waits for the end of all and holds it against what must be.
func (w *world) verdict(f fault, state string) string {
	head, work, other := "", "", w.other.until("end")
	if f.gone != "head" {
		head = w.head.until("end")
	}
	if f.gone != "worker" {
		work = w.work.until("end")
	}
	t := w.t
	for who, end := range map[string]string{"head": head, "worker": work, "other": other} {
		if end == "" && who != f.gone {
			t.Errorf("the %s ended without a word", who)
		}
	}
	if f.gone != "head" && other != head && (state != "gathering" || !strings.HasPrefix(head, "end 69")) {
		t.Errorf("the head ended with %q, the worker beside it with %q", head, other)
	}
	if f.gone == "" && work != head && !strings.HasPrefix(work, lostHead) && (state != "gathering" || !strings.HasPrefix(work, "end 69")) {
		t.Errorf("the head ended with %q, the worker with %q", head, work)
	}
	survived := head == ended && work == ended
	switch {
	case f.maybe:
		if head != ended && (!strings.HasPrefix(head, "end 69") || work == ended || other == ended) {
			t.Errorf("the head ended with %q, worker %q, other %q", head, work, other)
		}
		return "survived, or 69"
	case !f.fatal && !survived:
		t.Errorf("not survived: head %q, worker %q", head, work)
	case f.fatal && state != "draining" && (head == ended || work == ended || other == ended):
		t.Errorf("the job ran to its end: head %q, worker %q, other %q", head, work, other)
	case f.fatal && state == "draining" && f.gone != "head" && (head != ended || other != ended):
		t.Errorf("the job's outcome is lost: head %q, other %q", head, other)
	}
	if survived {
		return "survived"
	}
	var parts []string
	for who, end := range map[string]string{"1head": head, "2worker": work, "3other": other} {
		if who[1:] != f.gone {
			parts = append(parts, who[:1]+inWords(who[1:], end))
		}
	}
	return joined(parts)
}

// inWords is how a node ended, for a cell.
func inWords(who, end string) string {
	switch {
	case strings.HasPrefix(end, lostHead):
		return who + " 69, lost the head"
	case end == ended:
		return who + " the job's"
	case strings.Contains(end, "lost worker"):
		return who + " 69, lost the worker"
	case strings.Contains(end, "nodes here"), strings.Contains(end, "not all nodes"):
		return who + " 69, nodes are missing"
	case strings.Contains(end, "no head at"):
		return who + " 69, no head"
	}
	return who + " " + strings.TrimPrefix(end, "end ")
}

func joined(parts []string) string {
	text := ""
	for _, order := range "123" {
		for _, p := range parts {
			if p[0] == byte(order) {
				text += "; " + p[1:]
			}
		}
	}
	return strings.TrimPrefix(text, "; ")
}

const page = "../../docs/faults.md"

// compare holds the table against the one in docs.
func compare(t *testing.T, table [][]string) {
	var b strings.Builder
	b.WriteString(heading)
	fmt.Fprintf(&b, "| fault | %s |\n|---|%s\n", strings.Join(states, " | "), strings.Repeat("---|", len(states)))
	for i, f := range faults {
		fmt.Fprintf(&b, "| %s | %s |\n", f.name, strings.Join(table[i], " | "))
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if !strings.Contains(string(have), line) {
			t.Errorf("docs/faults.md lacks\n%s\nif that is meant: go test ./test/faults -update", line)
		}
	}
}

const heading = `# Faults

What happens to a run of three nodes when something goes wrong with one of them:
a head, a worker on another host, and one more worker that nothing happens to.
The test in test/faults does this with real processes in network namespaces, and
writes this table: ` + "`go test ./test/faults -update`" + `.

A node is here a small program around the package rendezvous, with the steps of a
run but nothing that it starts: the job is a time that passes and then a code, 3.
Only where a disk is full it is syminit itself, with a program that stands in for Ray.
The link between the hosts is a program, too, with a TUN interface at each end: it
loses, delays, doubles and reorders packets as tc netem would, which not every kernel
has.

"survived" means that the run goes on to its job's end and that every node ends
with the job's code. Else the cell says with what each node ends that is still
there. A run that has lost a node ends with 69 (SYMINIT_RESTARTS gathers it again,
SYMINIT_ON_LOSS=ignore goes on without it): at once where the connection closes,
within SYMINIT_LOST_AFTER where it is silent.

"survived, or 69": chance decides which. Never do two nodes have different codes from
the head for one run. One that has lost the head knows none, says that it has lost
the head, and ends with 69.

gathering: not all nodes are here. agreed: they have the roster. starting: the
worker is not ready yet. running: the job runs. draining: the job has ended, and
the fault comes before the nodes know.

A full disk is one where TMPDIR, /dev/shm and the place of the log have no room.

Nodes that come back after kills, cuts and freezes, drawn by chance, are in the
same folder: TestConvergence.

`
