package containers

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/syminit/syminit/test/need"
)

// Image returns what the variable of the environment names, the image under
// test. Where it is not set the test needs it; target is the make target that builds it.
func Image(t *testing.T, variable, target string) string {
	t.Helper()
	name := os.Getenv(variable)
	if name == "" {
		need.Missing(t, "needs Docker and the test image: run \"make %s\", or set %s", target, variable)
	}
	return name
}

// Docker runs the docker client and returns what it prints.
func Docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := TryDocker(args...)
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

// TryDocker is Docker for a command that may fail.
func TryDocker(args ...string) (string, error) {
	out, err := exec.Command("docker", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// ExitCode returns the exit code in a command's error, -1 if there is none.
func ExitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}
