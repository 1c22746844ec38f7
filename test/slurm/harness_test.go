package slurm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/need"
)

// limit is how long a run may take on a loaded machine; no test depends on it
// being short.
const limit = 5 * time.Minute

// hosts is a cluster and what its jobs are started with.
type hosts struct {
	dir   string
	image string
	env   []string
	args  string // of podman run, beside the example's own

	scancels tally // by TestScancel
}

// TestMain starts the one cluster that all tests use, one after the other.
func TestMain(m *testing.M) {
	os.Exit(run(m))
}

var shared *hosts // nil: why says what is missing

var why string

func run(m *testing.M) int {
	if why = missing(); why != "" {
		return m.Run()
	}
	root, err := filepath.Abs("../..")
	if err == nil {
		err = os.MkdirAll(root+"/.cache", 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	h := &hosts{dir: filepath.Join(root, ".cache", fmt.Sprintf("slurm%d", os.Getpid())), image: os.Getenv("SYMINIT_TEST_IMAGE"), scancels: tally{}}
	podman := root + "/.cache/podman"
	// A SYMINIT_ variable that it doesn't know is an error for syminit.
	h.env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "SYMINIT_") })
	h.env = append(h.env, "CONTAINERS_CONF="+podman+"/containers.conf", "CONTAINERS_STORAGE_CONF="+podman+"/storage.conf")
	h.args = fmt.Sprintf("-v %s/bin/syminit:/usr/local/bin/syminit:ro -v %s/test/docker/jobs:/jobs:ro", root, root)
	for _, command := range [][]string{{"./podman.sh", podman, h.image}, {"./cluster.sh", "up", h.dir, "3"}} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v: %v: %s\n", command, err, out)
			return 1
		}
	}
	defer func() {
		out, err := exec.Command("./cluster.sh", "down", h.dir).CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "cluster.sh down: %v: %s\n", err, out)
		}
		_ = os.RemoveAll(h.dir)
	}()
	shared = h
	code := m.Run()
	if len(h.scancels) > 0 {
		fmt.Println(h.scancels)
	}
	return code
}

// missing says what the tests lack.
func missing() string {
	if os.Getuid() != 0 {
		return "needs root, for hosts of its own"
	}
	if os.Getenv("SYMINIT_TEST_IMAGE") == "" {
		return `needs the test image: run "make test", or set SYMINIT_TEST_IMAGE`
	}
	for _, tool := range []string{"slurmctld", "slurmd", "srun", "munged", "podman", "runc", "docker"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "needs Slurm and podman (test/setup/docker.sh installs them): " + err.Error()
		}
	}
	return ""
}

// cluster returns the cluster, and skips the test where there is none.
func cluster(t *testing.T) *hosts {
	t.Helper()
	if shared == nil {
		need.Missing(t, "%s", why)
	}
	return shared
}

// in runs a command where Slurm's commands work, and returns what it prints.
func (h *hosts) in(env []string, args ...string) (string, error) {
	cmd := exec.Command("./cluster.sh", append([]string{"in", h.dir}, args...)...)
	cmd.Env = append(append([]string{}, h.env...), env...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// A job is one of Slurm's.
type job struct {
	t   *testing.T
	h   *hosts
	id  string
	out string // the file with its output
}

// submit has sbatch run the example with these settings and this command.
func (h *hosts) submit(t *testing.T, env []string, options []string, command ...string) *job {
	t.Helper()
	env = append(env, "IMAGE="+h.image, "SHM_SIZE=512m", "PODMAN_ARGS="+h.args+passed)
	return h.sbatch(t, env, append(append(options, "../../examples/slurm/podman.sbatch"), command...)...)
}

// passed are the variables that a test may set for the containers.
const passed = " --env EXIT_CODE --env SYMINIT_NODES --env SYMINIT_JOIN_TIMEOUT --env SYMINIT_LOG_LEVEL"

// sbatch starts a job with these settings.
func (h *hosts) sbatch(t *testing.T, env []string, args ...string) *job {
	t.Helper()
	j := &job{t: t, h: h, out: filepath.Join(t.TempDir(), "out")}
	id, err := h.in(env, append([]string{"sbatch", "--parsable", "--output", j.out}, args...)...)
	if err != nil {
		t.Fatalf("sbatch: %v: %s", err, id)
	}
	j.id = id
	t.Cleanup(j.end)
	return j
}

// end leaves nothing of the job behind, and shows its output if the test failed.
func (j *job) end() {
	if j.t.Failed() {
		j.t.Logf("--- job %s printed:\n%s", j.id, j.output())
	}
	_, _ = j.h.in(nil, "scancel", j.id)
	_, _ = j.h.in(nil, "podman", "rm", "-f", "-a", "-t", "0")
	j.until("the job is gone", func() bool { return !strings.Contains(j.state(), "ING") })
}

func (j *job) output() string {
	data, _ := os.ReadFile(j.out)
	return string(data)
}

func (j *job) state() string {
	out, _ := j.h.in(nil, "squeue", "-h", "-o", "%T", "-j", j.id)
	return out
}

// until waits for a condition.
func (j *job) until(what string, met func() bool) {
	j.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(limit); !met(); {
		select {
		case <-tick.C:
		case <-deadline:
			j.t.Fatalf("not after %s: %s; the job printed:\n%s", limit, what, j.output())
		}
	}
}

func (j *job) prints(texts ...string) {
	j.t.Helper()
	for _, text := range texts {
		j.until("it prints "+text, func() bool { return strings.Contains(j.output(), text) })
	}
}

var exitCode = regexp.MustCompile(`ExitCode=(\d+):\d+`)

// code waits for the job's end and returns its exit code as Slurm has it.
func (j *job) code() string {
	j.t.Helper()
	var shown string
	j.until("the job ends", func() bool {
		shown, _ = j.h.in(nil, "scontrol", "show", "job", "-o", j.id)
		return strings.Contains(shown, "JobState=COMPLETED") || strings.Contains(shown, "JobState=FAILED") || strings.Contains(shown, "JobState=CANCELLED")
	})
	if m := exitCode.FindStringSubmatch(shown); m != nil {
		return m[1]
	}
	return shown
}

// containers are those of podman's that run.
func (h *hosts) containers(t *testing.T) string {
	t.Helper()
	return h.podman(t, "ps", "-q")
}

// all are podman's containers, those that never ran included.
func (h *hosts) all(t *testing.T) string {
	t.Helper()
	return h.podman(t, "ps", "-a", "--format", "{{.Names}} {{.Status}}")
}

func (h *hosts) podman(t *testing.T, args ...string) string {
	t.Helper()
	out, err := h.in(nil, append([]string{"podman"}, args...)...)
	if err != nil {
		t.Fatalf("podman %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}
