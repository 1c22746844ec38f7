// Package lab is what tests share that make networks and nodes of their own on
// this host.
package lab

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Needs skips a test where it can't do what it does; where nothing may be
// skipped (SYMINIT_TEST_REQUIRE), the test fails.
func Needs(t *testing.T, tools ...string) {
	t.Helper()
	missing := ""
	if os.Getuid() != 0 {
		missing = "root"
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = tool
		}
	}
	switch {
	case missing == "":
	case os.Getenv("SYMINIT_TEST_REQUIRE") != "":
		t.Fatalf("needs %s", missing)
	default:
		t.Skipf("needs %s: makes network namespaces and faults in them", missing)
	}
}

// Run runs a command whose words have no blanks in them, and says what it said
// if it failed.
func Run(t *testing.T, command string) {
	t.Helper()
	words := strings.Fields(command)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", command, err, out)
	}
}

// Namespace makes a network namespace, with its loopback up, for as long as the
// test takes.
func Namespace(t *testing.T, name string) {
	t.Helper()
	Run(t, "ip netns add "+name)
	t.Cleanup(func() { Run(t, "ip netns del "+name) })
	Run(t, "ip -n "+name+" link set lo up")
}
