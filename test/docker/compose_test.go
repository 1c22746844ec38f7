package docker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// TestCompose runs docker-compose.test.yml as a person would: three containers,
// one command. Its exit code reaches all three, and nothing is left running.
func TestCompose(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, then string
		want       string
	}{
		{"0", "true", "0"},
		{"3", "exit 3", "3"},
		{"137", "kill -KILL $$", "137"},
	} {
		t.Run("code="+tt.name, func(t *testing.T) {
			t.Parallel()
			img := image(t)
			project := fmt.Sprintf("syminit%d-%s", os.Getpid(), tt.name)
			compose := func(args ...string) string {
				cmd := exec.Command("test/setup/compose.sh", append([]string{"-p", project, "-f", "docker-compose.test.yml"}, args...)...)
				cmd.Dir = root
				cmd.Env = append(os.Environ(), "SYMINIT_TEST_IMAGE="+img, "SYMINIT_TOKEN=0123456789abcdef0123456789abcdef",
					"SYMINIT_TEST_COMMAND=sh -c 'python3 /test/docker/jobs/nodes.py; "+tt.then+"'")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("compose %s: %v: %s", strings.Join(args, " "), err, out)
				}
				return strings.TrimSpace(string(out))
			}
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(compose("logs", "--no-color"))
				}
				compose("down", "-v", "-t", "1")
			})
			compose("up", "-d")
			ids := strings.Fields(compose("ps", "-q"))
			if len(ids) != 3 {
				t.Fatalf("compose ps lists %d containers, want 3", len(ids))
			}
			for _, id := range ids {
				if got := containers.Docker(t, "wait", id); got != tt.want {
					t.Errorf("%s ended with code %s, want %s", containers.Docker(t, "inspect", "-f", "{{.Name}}", id), got, tt.want)
				}
			}
			logs := compose("logs", "--no-color")
			for _, text := range []string{"JOB nodes=3", "JOB task host=head", "JOB task host=worker1", "JOB task host=worker2"} {
				if strings.Count(logs, text) != 1 {
					t.Errorf("%d times %q in the logs, want it once", strings.Count(logs, text), text)
				}
			}
			// docker wait says that a container's first process is gone; its
			// processes are when its PID namespace is, that is by then too.
			for _, id := range ids {
				if state := containers.Docker(t, "inspect", "-f", "{{.State.Running}} {{.State.Pid}}", id); state != "false 0" {
					t.Errorf("left running: %s", state)
				}
			}
		})
	}
}
