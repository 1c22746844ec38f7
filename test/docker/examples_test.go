package docker

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// An example is started on a host, in the foreground.
type example struct {
	name string
	cmd  *exec.Cmd
	out  strings.Builder
}

// start runs a command of this checkout's with the environment of the tests,
// without their own settings.
func (e *example) start(t *testing.T, env []string, command ...string) {
	t.Helper()
	e.cmd = exec.Command(command[0], command[1:]...)
	e.cmd.Dir = "../.."
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "SYMINIT_") {
			e.cmd.Env = append(e.cmd.Env, entry)
		}
	}
	e.cmd.Env = append(e.cmd.Env, env...)
	e.cmd.Stdout, e.cmd.Stderr = &e.out, &e.out
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// TestExamples: what examples/docker and examples/compose start on two hosts is
// one run of a real Ray job, and ends on both with its code.
func TestExamples(t *testing.T) {
	for name, start := range map[string]func(*containers.Cluster, *example, []string){
		"docker": func(c *containers.Cluster, e *example, env []string) {
			env = append(env, "DOCKER_ARGS=--name "+c.Net+"-"+e.name+" -e EXIT_CODE=7 -v "+jobs(c.T)+":/jobs:ro")
			e.start(c.T, env, "examples/docker/run.sh", "python3", "/jobs/nodes.py")
		},
		"compose": func(c *containers.Cluster, e *example, env []string) {
			// What a test has beside what the example says, in a file of its own.
			more := filepath.Join(c.T.TempDir(), "more.yml")
			err := os.WriteFile(more, []byte("services: {node: {container_name: "+c.Net+"-"+e.name+", environment: {EXIT_CODE: 7}, volumes: ['"+jobs(c.T)+":/jobs:ro']}}\n"), 0o600)
			if err != nil {
				c.T.Fatal(err)
			}
			env = append(env, "COMMAND=python3 /jobs/nodes.py")
			e.start(c.T, env, "test/setup/compose.sh", "-p", c.Net+"-"+e.name, "-f", "examples/compose/compose.yml", "-f", more, "up", "--exit-code-from", "node")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			hosts := [2]example{{name: "a"}, {name: "b"}}
			for i := range hosts {
				e := &hosts[i]
				t.Cleanup(func() { _, _ = containers.TryDocker("rm", "-f", c.Net+"-"+e.name) })
				start(c, e, []string{"IMAGE=" + c.Image, "HEAD=" + c.Net + "-a", "NODES=2", "NETWORK=" + c.Net, "SHM_SIZE=512m", "SYMINIT_TOKEN=" + c.Token})
			}
			for i := range hosts {
				if got := containers.ExitCode(hosts[i].cmd.Wait()); got != 7 {
					t.Errorf("%s ended with code %d, want 7: %s", hosts[i].name, got, hosts[i].out.String())
				}
			}
			if out := hosts[0].out.String(); !strings.Contains(out, "JOB nodes=2") {
				t.Errorf("the head printed %s", out)
			}
		})
	}
}

func jobs(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("jobs")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
