package slurm

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// quick is how long after scancel something of a job may be alive.
const quick = 5 * time.Second

// A state is what a run is doing when its job is cancelled, as its output has it.
type state string

const (
	podmanStarts state = "podman starting" // on some of the nodes syminit hasn't begun
	gathering    state = "gathering"
	starting     state = "starting"
	running      state = "running"
	draining     state = "draining"
	over         state = "over" // Slurm took the job for done
	busy         state = "busy" // it took too long, and the machine had too much else to do to tell
)

// states are in the order of a run.
var states = []state{podmanStarts, gathering, starting, running, draining}

// reached is the state that the output of a run on three nodes ends in.
func reached(output string) state {
	switch {
	case strings.Contains(output, "to=draining"):
		return draining
	case strings.Contains(output, "JOB up"):
		return running
	case strings.Contains(output, "to=starting"):
		return starting
	case strings.Count(output, "this node is ") >= 3:
		return gathering
	}
	return podmanStarts
}

// A tally is how many jobs were cancelled in a state, and how many of those were
// gone when they had to be.
type tally map[state]*struct{ cancelled, quick int }

// String is one line for whoever reads the tests' output.
func (c tally) String() string {
	var cancelled, gone int
	var parts []string
	for _, s := range states {
		if n := c[s]; n != nil {
			cancelled, gone = cancelled+n.cancelled, gone+n.quick
			parts = append(parts, fmt.Sprintf("%s %d of %d", s, n.quick, n.cancelled))
		}
	}
	return fmt.Sprintf("scancel: of %[2]d of %[3]d jobs nothing was alive after %[1]s (%[4]s)", quick, gone, cancelled, strings.Join(parts, ", "))
}

// TestScancel: whatever a run is doing, nothing of it is alive 5 s after scancel,
// and no container is left when the job is gone. podman may be killed while it hands TERM
// on, or not have started its container yet: so it is tried 25 times.
func TestScancel(t *testing.T) {
	h := cluster(t)
	three := []string{"SYMINIT_NODES=4"} // three are started
	forever := []string{"python3", "/jobs/forever.py"}
	for _, tt := range []struct {
		state   state
		times   int
		env     []string
		command []string
		begun   func(j *job, i int)
	}{
		// At another point of podman's start each time.
		{podmanStarts, 5, three, forever, func(j *job, i int) {
			j.until("it runs", func() bool { return j.state() == "RUNNING" })
			moment := time.NewTimer(time.Duration(i) * 100 * time.Millisecond)
			<-moment.C
		}},
		{gathering, 5, three, forever, func(j *job, _ int) { j.prints("3/4 nodes are here") }},
		{starting, 5, nil, forever, func(j *job, _ int) { j.prints("to=starting") }},
		{running, 5, nil, forever, func(j *job, _ int) { j.prints("JOB up nodes=3") }},
		// What the job leaves makes the end last a second.
		{draining, 5, nil, []string{"sh", "-c", "setsid sh -c 'trap : TERM; while :; do sleep 1; done' & exit 0"}, func(j *job, _ int) { j.prints("to=draining") }},
	} {
		for i := range tt.times {
			t.Run(fmt.Sprintf("%s %d", tt.state, i+1), func(t *testing.T) {
				// A run that was faster than this test has been cancelled in a
				// later state, which is as good, but not what is wanted here.
				for try := range 5 {
					j := h.submit(t, append(tt.env, "SYMINIT_LOG_LEVEL=debug"), []string{"--nodes=3"}, tt.command...)
					tt.begun(j, max(0, i-2*try))
					was := h.cancelled(t, j)
					if was == tt.state {
						return
					}
					t.Logf("was %s, not %s", was, tt.state)
				}
				t.Errorf("five times the job wasn't cancelled while %s, or wasn't gone soon on a machine that was busy", tt.state)
			})
		}
	}
}

// TestTimeLimit: at the end of its time a job gets TERM, more than once, and KILL
// half a minute later. By then the run has ended by itself, and no container is left.
func TestTimeLimit(t *testing.T) {
	h := cluster(t)
	j := h.submit(t, nil, []string{"--nodes=3"}, "python3", "/jobs/forever.py")
	j.prints("JOB up nodes=3")
	// A limit is in minutes; the end of a job that runs may be at any second.
	if out, err := h.in(nil, "scontrol", "update", "JobId="+j.id, "EndTime=now+5"); err != nil {
		t.Fatalf("scontrol update: %v: %s", err, out)
	}
	j.until("the job is gone", func() bool { return !strings.Contains(j.state(), "ING") })
	if left := append(j.alive(), h.all(t)); left[0] != "" {
		t.Errorf("left: %s", left)
	}
	if shown, _ := h.in(nil, "scontrol", "show", "job", "-o", j.id); !strings.Contains(shown, "JobState=TIMEOUT") {
		t.Errorf("no time limit ended it: %s", shown)
	}
	j.prints("run over: ")
	if t.Failed() {
		t.Log(j.output())
	}
}

// cancelled cancels a job, checks what is left, and returns the state in which it
// was.
func (h *hosts) cancelled(t *testing.T, j *job) state {
	t.Helper()
	was, before := reached(j.output()), j.alive()
	began, stalled := time.Now(), stall()
	if out, err := h.in(nil, "scancel", j.id); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	j.until("nothing of the job is alive", func() bool { return len(j.alive()) == 0 })
	took := time.Since(began)
	waited := stall() - stalled
	j.until("the job is gone", func() bool { return !strings.Contains(j.state(), "ING") })
	if left := append(j.alive(), h.all(t)); left[0] != "" {
		t.Errorf("left: %s", left)
	}
	if shown, _ := h.in(nil, "scontrol", "show", "job", "-o", j.id); !strings.Contains(shown, "JobState=CANCELLED") {
		return over
	}
	if was != podmanStarts && len(before) == 0 {
		t.Error("none of its processes was seen before")
	}
	t.Logf("%s: nothing alive %.1f s after scancel, for %.1f s of which something waited for a CPU", was, took.Seconds(), waited.Seconds())
	if took > quick && took-waited <= quick {
		return busy
	}
	if h.scancels[was] == nil {
		h.scancels[was] = new(struct{ cancelled, quick int })
	}
	h.scancels[was].cancelled++
	if took <= quick {
		h.scancels[was].quick++
	} else {
		t.Errorf("something was alive for %s", took)
	}
	return was
}

// alive are the processes that a job has started, in its containers and beside
// them: Slurm's variables are in the environment of each, and each is on a network of
// this cluster's, which it keeps whoever its parent is. Another cluster on this machine
// has jobs of the same numbers.
func (j *job) alive() []string {
	j.t.Helper()
	networks := j.h.networks(j.t)
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		environ, _ := os.ReadFile(file)
		if !bytes.Contains(append([]byte{0}, environ...), []byte("\x00SLURM_JOB_ID="+j.id+"\x00")) {
			continue
		}
		network, err := os.Stat(filepath.Dir(file) + "/ns/net")
		if err == nil && slices.ContainsFunc(networks, func(one os.FileInfo) bool { return os.SameFile(one, network) }) {
			line, _ := os.ReadFile(filepath.Dir(file) + "/cmdline")
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return found
}

// networks are those that the cluster's daemons are on, a host each.
func (h *hosts) networks(t *testing.T) []os.FileInfo {
	t.Helper()
	var found []os.FileInfo
	files, _ := filepath.Glob(h.dir + "/run/slurm*.pid")
	for _, file := range files {
		pid, _ := os.ReadFile(file)
		network, err := os.Stat("/proc/" + strings.TrimSpace(string(pid)) + "/ns/net")
		if err != nil {
			t.Fatalf("a daemon of the cluster is gone: %v", err)
		}
		found = append(found, network)
	}
	if len(found) == 0 {
		t.Fatal("no daemon of the cluster runs")
	}
	return found
}

// TestAlive: a process on a host of the cluster is the job's, though it is in no session
// of the job's; one elsewhere on the machine is not.
func TestAlive(t *testing.T) {
	h := cluster(t)
	j := &job{t: t, h: h, id: "none-of-slurms"}
	daemon, err := os.ReadFile(h.dir + "/run/slurmd-node2.pid")
	if err != nil {
		t.Fatal(err)
	}
	on := "--net=/proc/" + strings.TrimSpace(string(daemon)) + "/ns/net"
	for _, command := range [][]string{{"sleep", "1001"}, {"nsenter", on, "setsid", "sleep", "1002"}} {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "SLURM_JOB_ID="+j.id)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	}
	j.until("the one is seen", func() bool { return slices.Contains(j.alive(), "sleep 1002 ") })
	if got := j.alive(); len(got) != 1 {
		t.Errorf("alive: %q, want the one on the cluster alone", got)
	}
}

// stall is for how long something has waited for a CPU on this machine (PSI, the
// kernel's Documentation/accounting/psi.rst): a time in
// which others had the CPUs is measured again. 0 where the kernel doesn't tell.
func stall() time.Duration {
	text, _ := os.ReadFile("/proc/pressure/cpu")
	var total time.Duration
	if m := someStall.FindSubmatch(text); m != nil {
		total, _ = time.ParseDuration(string(m[1]) + "us")
	}
	return total
}

var someStall = regexp.MustCompile(`(?m)^some .*total=(\d+)$`)
