package docker

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// up is how long a run may take to start or end on a loaded machine; no test
// depends on it being short.
const up = 2 * time.Minute

// three starts a head and two workers with the same command.
func three(c *cluster, h host) (head, worker1, worker2 *container) {
	h.env = append(h.env, "SYMINIT_NODES=3")
	for _, n := range []struct {
		name string
		to   **container
	}{{"head", &head}, {"worker1", &worker1}, {"worker2", &worker2}} {
		h.name = n.name
		*n.to = c.run(h)
	}
	return head, worker1, worker2
}

// pair starts a head and a worker with the same command.
func pair(c *cluster, h host) (head, worker *container) {
	h.env = append(h.env, "SYMINIT_NODES=2")
	h.name = "head"
	head = c.run(h)
	h.name = "worker"
	return head, c.run(h)
}

func TestJobRunsOnEveryNodeAndItsCodeReachesAll(t *testing.T) {
	for _, code := range []struct {
		name string
		want int
	}{{"0", 0}, {"3", 3}} {
		t.Run("code="+code.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker1, worker2 := three(c, host{env: []string{"EXIT_CODE=" + code.name}, args: []string{"python3", "/jobs/nodes.py"}})
			wantExits(t, up, code.want, head, worker1, worker2)
			head.wantLog("JOB nodes=3", "JOB task host=head", "JOB task host=worker1", "JOB task host=worker2")
			for _, w := range []*container{worker1, worker2} {
				if strings.Contains(w.logs(), "JOB nodes") {
					t.Errorf("the job ran on %s too", w.name)
				}
			}
		})
	}
}

// TestSymmetricRun: the line from Ray's documents, as it stands there.
func TestSymmetricRun(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := host{
		env:     []string{"EXIT_CODE=4"},
		options: []string{"--entrypoint", "/usr/local/bin/syminit"},
		args:    []string{"symmetric-run", "--address", "head:6390", "--min-nodes", "2", "--num-cpus=3", "--", "python3", "/jobs/nodes.py", "RAY_ADDRESS"},
	}
	h.name = "head"
	head := c.run(h)
	h.name = "worker"
	worker := c.run(h)
	wantExits(t, up, 4, head, worker)
	head.wantLog("JOB nodes=2", "JOB task host=worker", "--num-cpus=3", "--port=6390")
}

// TestOneNode: without SYMINIT_NODES syminit is an init and adds nothing.
func TestOneNode(t *testing.T) {
	t.Parallel()
	stdout, err := exec.Command("docker", "run", "--rm", image(t), "sh", "-c", "env | grep -c SYMINIT; ps -o ppid= -p $$; exit 9").Output()
	out := string(stdout)
	if code := exitCode(err); code != 9 {
		t.Errorf("exit code %d, want 9: %s", code, out)
	}
	if lines := strings.Fields(out); len(lines) < 2 || lines[0] != "0" {
		t.Errorf("the job's environment has variables of syminit's: %s", out)
	}
}

// TestTerminal: with -it the job has the terminal, and Ctrl-C reaches it once.
func TestTerminal(t *testing.T) {
	t.Parallel()
	img := image(t)
	cmd := exec.Command("python3", "jobs/terminal.py", img)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != "line=hello interrupts=1 code=7" {
		t.Errorf("got %q", got)
	}
}

func exitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}
