package slurm

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var bare = flag.Int("bare", 2, "how often TestScancelBare cancels a job in each state")

// TestScancelBare cancels the README's line as it stands, without what the example does
// about podman's clients. Where one container hears TERM, all of them are gone in time.
// That none hears it happens, three times in 20 by measurement: the test counts these,
// and fails where it is so each time.
func TestScancelBare(t *testing.T) {
	h := cluster(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^(srun .*podman run) (.*) my-vllm MODEL .*$`).FindStringSubmatch(string(readme))
	if line == nil {
		t.Fatal("the README has no line with srun and podman")
	}
	script := fmt.Sprintf("%s --shm-size 512m %s%s %s %s python3 /jobs/forever.py", line[1], h.args, passed, line[2], h.image)
	unheard, tries := 0, 0
	for _, tt := range []struct {
		state  state
		prints string
		env    []string
	}{
		{gathering, "3/4 nodes are here", []string{"SYMINIT_NODES=4"}},
		{running, "JOB up nodes=3", nil},
	} {
		for i := range *bare {
			t.Run(fmt.Sprintf("%s %d", tt.state, i+1), func(t *testing.T) {
				env := append(tt.env, "SYMINIT_TOKEN=0123456789abcdef0123456789abcdef", "SYMINIT_LOG_LEVEL=debug")
				j := h.sbatch(t, env, "--nodes=3", "--ntasks-per-node=1", "--wrap", script)
				j.prints(tt.prints)
				tries++
				if !h.ended(t, j) {
					unheard++
				}
			})
		}
	}
	t.Logf("scancel of srun podman run alone: in %d of %d no container heard TERM", unheard, tries)
	if unheard == tries {
		t.Errorf("no container heard TERM in %d tries; in three of 20 none did, by measurement", tries)
	}
}

// heard is what a node's log has once the run's end has begun for it.
var heard = regexp.MustCompile(`to=(draining|done)`)

// ended cancels a job that runs in three containers, and reports whether that ended
// them. Where it didn't, none of them may have heard of it.
func (h *hosts) ended(t *testing.T, j *job) bool {
	t.Helper()
	before := strings.Fields(h.containers(t))
	began, stalled := time.Now(), stall()
	if out, err := h.in(nil, "scancel", j.id); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	waited := func() time.Duration { return time.Since(began) - (stall() - stalled) }
	j.until("nothing of the job is alive, or it has had its time", func() bool { return len(j.alive()) == 0 || waited() > quick })
	left, alive := strings.Fields(h.containers(t)), j.alive()
	if len(left) == 0 && len(alive) > 0 {
		t.Errorf("no container runs, and something is alive after %s: %q", quick, alive)
	}
	if len(left) == 0 {
		t.Logf("nothing was alive after %.1f s", time.Since(began).Seconds())
		return true
	}
	for _, id := range left {
		if text := h.podman(t, "logs", id); heard.MatchString(text) || len(left) < len(before) {
			t.Errorf("one of %d containers heard TERM, and %d were left after %s:\n%s", len(before), len(left), quick, text)
		}
	}
	t.Logf("no container heard TERM: %d are left", len(left))
	return false
}
