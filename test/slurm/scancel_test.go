package slurm

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// killWait is KillWait in cluster.sh: from scancel's TERM to Slurm's KILL. What
// hears nothing is there for at least that long.
const killWait = 30 * time.Second

// TestScancel: whatever a run is doing, no container is left when the job is
// gone, and KILL was not needed for it. podman may be killed while it hands TERM
// on, or not have started its container yet: so it is tried 20 times.
func TestScancel(t *testing.T) {
	h := cluster(t)
	gathering := []string{"SYMINIT_NODES=4"} // three are started
	forever := []string{"python3", "/jobs/forever.py"}
	var total, quick int
	for _, tt := range []struct {
		state   string
		times   int
		env     []string
		command []string
		begun   func(*job)
	}{
		{"podman starts", 7, gathering, forever, func(j *job) {
			j.until("it runs", func() bool { return j.state() == "RUNNING" })
			// At another point of podman's start each time.
			moment := time.NewTimer(time.Duration(total) * 100 * time.Millisecond)
			<-moment.C
		}},
		{"gathering", 6, gathering, forever, func(j *job) { j.prints("3/4 nodes are here") }},
		{"starting", 3, nil, forever, func(j *job) { j.prints("starting Ray") }},
		{"running", 2, nil, forever, func(j *job) { j.prints("JOB up nodes=3") }},
		{"draining", 2, nil, []string{"true"}, func(j *job) { j.prints("to=draining") }},
	} {
		for i := range tt.times {
			t.Run(fmt.Sprintf("%s %d", tt.state, i+1), func(t *testing.T) {
				j := h.submit(t, append(tt.env, "SYMINIT_LOG_LEVEL=debug"), []string{"--nodes=3"}, tt.command...)
				tt.begun(j)
				cancelled := time.Now()
				if out, err := h.in(nil, "scancel", j.id); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				j.until("the job is gone", func() bool { return !strings.Contains(j.state(), "ING") })
				took := time.Since(cancelled)
				if left := h.all(t); left != "" {
					t.Errorf("left: %s", left)
				}
				if took >= killWait {
					t.Errorf("gone %s after scancel, that is by Slurm's KILL", took)
				}
				t.Logf("gone %.1f s after scancel", took.Seconds())
				total++
				if took <= 5*time.Second {
					quick++
				}
			})
		}
	}
	t.Logf("%d of %d were gone within 5 s", quick, total)
}
