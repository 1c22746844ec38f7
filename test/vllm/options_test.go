package vllm

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

var update = flag.Bool("update", false, "write the options in internal/launch/testdata anew")

// TestOptions: the options of `vllm serve` and of torchrun are those that
// internal/launch's own tests read command lines by.
func TestOptions(t *testing.T) {
	image := containers.Image(t, "SYMINIT_TEST_VLLM_IMAGE", "test-vllm")
	jobs, err := filepath.Abs("jobs")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"vllm", "torchrun"} {
		kept := "../../internal/launch/testdata/" + program + "-options"
		cmd := exec.CommandContext(t.Context(), "docker", "run", "--rm", "-v", jobs+":/jobs:ro", "--entrypoint", "python3", image, "/jobs/options.py", program)
		cmd.Stderr = os.Stderr
		got, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(kept, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(kept)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("the options of %s aren't those in %s: see there after \"go test ./test/vllm -run Options -update\"", program, kept)
		}
	}
}
