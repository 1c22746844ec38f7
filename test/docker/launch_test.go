package docker

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// TestLaunchOnRealRay runs internal/launch's own tests with a real Ray inside
// each image: there they find one, and the namespaces that they need.
func TestLaunchOnRealRay(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "launch.test")
	images := append([]string{image(t)}, oldRayImages(t)...)
	build := exec.Command("go", "test", "-c", "-o", binary, "../../internal/launch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, img := range images {
		t.Run(strings.ReplaceAll(img, ":", "-"), func(t *testing.T) {
			out, err := containers.TryDocker("run", "--rm", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--network", "none", "--shm-size", "512m",
				"-v", binary+":/launch.test:ro", "-e", "SYMINIT_TEST_RAY_BIN=/opt/ray/bin/ray", "--entrypoint", "/launch.test",
				img, "-test.v", "-test.run", "RealRay")
			if err != nil || strings.Contains(out, "--- SKIP") || strings.Count(out, "--- PASS") != 3 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
