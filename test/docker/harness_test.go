package docker

import (
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// up is how long a run may take to start or end on a loaded machine; no test
// depends on it being short.
const up = 5 * time.Minute

// image returns the image under test, and skips the test where there is none.
func image(t *testing.T) string {
	t.Helper()
	return containers.Image(t, "SYMINIT_TEST_IMAGE", "test")
}

func newCluster(t *testing.T) *containers.Cluster {
	t.Helper()
	return containers.NewCluster(t, image(t))
}
