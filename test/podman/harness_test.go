package podman

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/syminit/syminit/test/need"
)

// An engine starts containers.
type engine struct {
	name    string
	command []string // that options of podman or docker follow
	image   string
	mounts  []string // options for this checkout's binary and the tests' jobs
	user    uint32   // the user that the containers' processes belong to
}

// setup is what all tests use; where err isn't nil there is nothing to use.
type setup struct {
	err     error
	tag     string // of the hosts
	engines []engine
}

var shared setup

// limit is how long what must happen may take on a loaded machine, the start of a
// real Ray for one; no test depends on it being short.
const limit = 5 * time.Minute

// network is where the hosts are; the first one's address ends in 11.
const network = "10.231.79"

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	shared.err = missing()
	if shared.err != nil {
		return m.Run()
	}
	defer shared.end()
	if err := shared.begin(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// missing says what the tests lack.
func missing() error {
	if os.Getuid() != 0 {
		return errors.New("needs root, for hosts and a user of its own")
	}
	if os.Getenv("SYMINIT_TEST_IMAGE") == "" {
		return errors.New(`needs the test image: run "make test", or set SYMINIT_TEST_IMAGE`)
	}
	for _, tool := range []string{"podman", "runc", "newuidmap", "docker", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("test/setup/docker.sh installs it: %w", err)
		}
	}
	return nil
}

func (s *setup) begin() error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	image, store := os.Getenv("SYMINIT_TEST_IMAGE"), root+"/.cache/podman"
	rootless := []string{root + "/test/podman/rootless.sh", root + "/.cache/podman-rootless", store + "/containers.conf"}
	mounts := func(bin, jobs string) []string {
		return []string{"-v", bin + "/syminit:/usr/local/bin/syminit:ro", "-v", jobs + ":/jobs:ro"}
	}
	own := mounts(root+"/bin", root+"/test/docker/jobs")
	s.tag = fmt.Sprintf("podman-%d", os.Getpid())
	s.engines = []engine{
		{"podman", []string{"env", "CONTAINERS_CONF=" + store + "/containers.conf", "CONTAINERS_STORAGE_CONF=" + store + "/storage.conf", "podman"}, image, own, 0},
		{"rootless", append(rootless, "podman"), "localhost/" + image, mounts("/srv", "/media"), 4242},
		{"docker", []string{"docker"}, image, own, 0},
	}
	for _, command := range [][]string{
		{"../slurm/podman.sh", store, image},
		append([]string{"./load.sh", image}, rootless...),
		{"../setup/hosts.sh", "up", s.tag, network, "9"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", command, err, out)
		}
	}
	return nil
}

func (s *setup) end() {
	out, err := exec.Command("../setup/hosts.sh", "down", s.tag).CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "hosts.sh down: %v: %s\n", err, out)
	}
	for _, e := range s.engines {
		if e.user != 0 {
			// Ends the process that keeps podman's user namespace.
			_ = e.cmd("system", "migrate").Run()
		}
	}
}

// engines returns them, and skips the test where there are none.
func engines(t *testing.T) []engine {
	t.Helper()
	if shared.err != nil {
		need.Missing(t, "%v", shared.err)
	}
	return shared.engines
}

func (e engine) cmd(args ...string) *exec.Cmd {
	args = append(e.command[1:len(e.command):len(e.command)], args...)
	return exec.Command(e.command[0], args...)
}

// started counts containers, for their names.
var started atomic.Int32

// run is the command for a container that ends with the test at the latest.
func (e engine) run(t *testing.T, options []string, command ...string) *exec.Cmd {
	t.Helper()
	name := fmt.Sprintf("syminit-%d-%d", os.Getpid(), started.Add(1))
	t.Cleanup(func() { _ = e.cmd("rm", "-f", name).Run() })
	args := append([]string{"run", "--rm", "--name", name, "--network", "host"}, e.mounts...)
	args = append(append(append(args, options...), e.image), command...)
	return e.cmd(args...)
}

// code is an ended command's exit code.
func code(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}
