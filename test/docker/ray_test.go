package docker

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
	"github.com/syminit/syminit/test/need"
)

// TestRayDoesNotStart: Ray's own words reach the person at the head, soon.
func TestRayDoesNotStart(t *testing.T) {
	for _, tt := range []struct {
		name    string
		env     []string // of the head
		options []string
		onlyOn  string // the node whose environment is wrong; empty for both
		code    int
		says    string
	}{
		{name: "ray missing", env: []string{"SYMINIT_RUNTIME=ray", "SYMINIT_RAY_BIN=/nonexistent/ray"}, code: 75, says: "/nonexistent/ray"},
		{name: "bad option", env: []string{"SYMINIT_RAY_START_ARGS=--no-such-option"}, code: 75, says: "No such option"},
		{name: "bad option on the worker", env: []string{"SYMINIT_RAY_START_ARGS=--no-such-option"}, onlyOn: "worker", code: 75, says: "No such option"},
		{name: "conflicting option", env: []string{"SYMINIT_RAY_START_ARGS=--port=1234"}, code: 64, says: "SYMINIT_RAY_PORT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			nodes := map[string]*containers.Container{}
			began := time.Now()
			for _, name := range []string{"head", "worker"} {
				h := containers.Host{Name: name, Env: []string{"SYMINIT_NODES=2"}, Args: []string{"python3", "/jobs/nodes.py"}}
				if tt.onlyOn == "" || tt.onlyOn == name {
					h.Env = append(h.Env, tt.env...)
				}
				nodes[name] = c.Run(h)
			}
			containers.WantExits(t, up, tt.code, nodes["head"], nodes["worker"])
			nodes["head"].WantLog(tt.says)
			t.Logf("both gone %.1f s after the start", nodes["head"].Left.Sub(began).Seconds())
		})
	}
}

// TestRayPortTaken: another process has Ray's port on the head.
func TestRayPortTaken(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	squatter := `import os, socket, time
s = socket.socket()
s.bind(("0.0.0.0", 6379))
s.listen()
if os.fork():
    os.execv("/usr/local/bin/syminit", ["syminit", "--", "true"])
time.sleep(600)`
	h := containers.Host{Name: "head", Env: []string{"SYMINIT_NODES=2", "SYMINIT_RUNTIME=ray"}, Options: []string{"--entrypoint", "python3"}, Args: []string{"-c", squatter}}
	head := c.Run(h)
	worker := c.Run(containers.Host{Name: "worker", Env: []string{"SYMINIT_NODES=2", "SYMINIT_RUNTIME=ray"}, Args: []string{"true"}})
	containers.WantExits(t, up, 75, head, worker)
	worker.WantLog("6379", "SYMINIT_RAY_PORT")
}

// oldRayImages are the images with the oldest Ray that is supported and with
// the first that has token authentication.
func oldRayImages(t *testing.T) []string {
	t.Helper()
	images := os.Getenv("SYMINIT_TEST_OLD_RAY_IMAGES")
	if images == "" {
		need.Missing(t, "needs images with older Rays: run \"make test\", or set SYMINIT_TEST_OLD_RAY_IMAGES")
	}
	return strings.Fields(images)
}

// TestRayVersions: the oldest Ray, the first with token authentication, and the
// newest.
func TestRayVersions(t *testing.T) {
	for _, img := range oldRayImages(t) {
		t.Run(img[strings.LastIndex(img, ":")+1:], func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker := c.Pair(containers.Host{Image: img, Env: []string{"EXIT_CODE=7"}, Args: []string{"python3", "/jobs/nodes.py"}})
			containers.WantExits(t, up, 7, head, worker)
			head.WantLog("JOB nodes=2", "JOB task host=worker")
			if strings.HasSuffix(img, "2.40.0") {
				head.WantLog("no token authentication")
			}
		})
	}
}

// TestRayRefusesAStranger: without the token nobody gets into Ray.
func TestRayRefusesAStranger(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{Args: []string{"python3", "/jobs/forever.py"}})
	head.WaitLog("JOB up nodes=2", up)
	out, err := containers.TryDocker("run", "--rm", "--network", c.Net, "--entrypoint", "python3", c.Image,
		"-c", "import ray; ray.init('head:6379'); print('GOT', len(ray.nodes()))")
	if err == nil || strings.Contains(out, "GOT") {
		t.Errorf("a client without the token was let in: %s", out)
	}
	if !strings.Contains(strings.ToLower(out), "auth") {
		t.Errorf("refused, but not for the token: %s", out)
	}
	head.Signal("TERM")
	containers.WantExits(t, up, 143, head, worker)
}

// TestPropagated: a variable that only the head has is seen by a task on a
// worker; what belongs to one node is each node's own.
func TestPropagated(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	job := []string{"python3", "/jobs/nodes.py", "VLLM_LOGGING_LEVEL", "NCCL_DEBUG", "VLLM_HOST_IP", "GLOO_SOCKET_IFNAME"}
	head := c.Run(containers.Host{Name: "head", Env: []string{"SYMINIT_NODES=2", "VLLM_LOGGING_LEVEL=DEBUG", "NCCL_DEBUG=INFO"}, Args: job})
	worker := c.Run(containers.Host{Name: "worker", Env: []string{"SYMINIT_NODES=2", "NCCL_DEBUG=WARN"}, Args: job})
	addr := worker.Address()
	containers.WantExits(t, up, 0, head, worker)
	head.WantLog("JOB task host=worker VLLM_LOGGING_LEVEL=DEBUG NCCL_DEBUG=WARN VLLM_HOST_IP=" + addr + " GLOO_SOCKET_IFNAME=eth0")
}

// TestHardened: no root, no capability, a read-only root file system.
func TestHardened(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{
		Options: []string{"--user", "1000:1000", "--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "-e", "HOME=/tmp"},
		Env:     []string{"EXIT_CODE=5"},
		Args:    []string{"python3", "/jobs/nodes.py"},
	})
	containers.WantExits(t, up, 5, head, worker)
	head.WantLog("JOB nodes=2", "JOB task host=worker")
}
