package docker

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// three starts a head and two workers with the same command.
func three(c *containers.Cluster, h containers.Host) (head, worker1, worker2 *containers.Container) {
	h.Env = append(h.Env, "SYMINIT_NODES=3")
	for _, n := range []struct {
		name string
		to   **containers.Container
	}{{"head", &head}, {"worker1", &worker1}, {"worker2", &worker2}} {
		h.Name = n.name
		*n.to = c.Run(h)
	}
	return head, worker1, worker2
}

func TestJobRunsOnEveryNodeAndItsCodeReachesAll(t *testing.T) {
	for _, code := range []struct {
		name string
		want int
	}{{"0", 0}, {"3", 3}} {
		t.Run("code="+code.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker1, worker2 := three(c, containers.Host{Env: []string{"EXIT_CODE=" + code.name}, Args: []string{"python3", "/jobs/nodes.py"}})
			containers.WantExits(t, up, code.want, head, worker1, worker2)
			head.WantLog("JOB nodes=3", "JOB task host=head", "JOB task host=worker1", "JOB task host=worker2")
			for _, w := range []*containers.Container{worker1, worker2} {
				if strings.Contains(w.Logs(), "JOB nodes") {
					t.Errorf("the job ran on %s too", w.Name)
				}
			}
		})
	}
}

// TestSymmetricRun: the line from Ray's documents, behind an ENTRYPOINT that is
// syminit already too.
func TestSymmetricRun(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := containers.Host{
		Env:     []string{"EXIT_CODE=4"},
		Options: []string{"--entrypoint", "/usr/local/bin/syminit"},
		Args:    []string{"symmetric-run", "--address", "head:6390", "--min-nodes", "2", "--num-cpus=3", "--", "python3", "/jobs/nodes.py", "RAY_ADDRESS"},
	}
	h.Name = "head"
	head := c.Run(h)
	h.Name, h.Options, h.Args = "worker", nil, append([]string{"syminit"}, h.Args...)
	worker := c.Run(h)
	containers.WantExits(t, up, 4, head, worker)
	worker.WantLog("says `syminit` twice")
	head.WantLog("JOB nodes=2", "JOB task host=worker", "--num-cpus=3", "--port=6390")
}

// TestOneNode: without SYMINIT_NODES syminit is an init and adds nothing.
func TestOneNode(t *testing.T) {
	t.Parallel()
	stdout, err := exec.Command("docker", "run", "--rm", image(t), "sh", "-c", "env | grep -c SYMINIT; ps -o ppid= -p $$; exit 9").Output()
	out := string(stdout)
	if code := containers.ExitCode(err); code != 9 {
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
