package docker

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// image returns the image under test, and skips the test where there is none.
func image(t *testing.T) string {
	t.Helper()
	name := os.Getenv("SYMINIT_TEST_IMAGE")
	if name != "" {
		return name
	}
	const why = "needs Docker and the test image: run \"make test\", or set SYMINIT_TEST_IMAGE"
	if os.Getenv("SYMINIT_TEST_REQUIRE") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

// docker runs the docker client and returns what it prints.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryDocker(args...)
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryDocker(args ...string) (string, error) {
	out, err := exec.Command("docker", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// A cluster is a Docker network of its own and the containers on it; the hosts
// of one run.
type cluster struct {
	t     *testing.T
	image string
	net   string
	token string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, image: image(t), token: "0123456789abcdef0123456789abcdef"}
	c.net = fmt.Sprintf("syminit-%d-%s", os.Getpid(), strings.NewReplacer("/", "-", " ", "-", "=", "-").Replace(strings.ToLower(t.Name())))
	docker(t, "network", "create", c.net)
	t.Cleanup(func() {
		if out, err := tryDocker("network", "rm", c.net); err != nil {
			t.Errorf("remove network: %v: %s", err, out)
		}
	})
	return c
}

// A container is one node of a cluster.
type container struct {
	t    *testing.T
	name string // its host name, and its name on the network
	id   string

	code int
	left time.Time // when docker wait returned
	done chan struct{}
}

// host says how one container is started.
type host struct {
	name    string
	env     []string // NAME=value; added to the cluster's own
	options []string // further options of docker run
	image   string   // the cluster's, if empty
	args    []string // behind the image
}

// run starts a node with the environment that every host of the cluster shares.
func (c *cluster) run(h host) *container {
	c.t.Helper()
	img := c.image
	if h.image != "" {
		img = h.image
	}
	args := []string{
		"run", "-d", "--network", c.net, "--network-alias", h.name, "--hostname", h.name,
		"--shm-size", "512m", "-v", jobs(c.t) + ":/jobs:ro",
		"-e", "SYMINIT_HEAD=head", "-e", "SYMINIT_TOKEN=" + c.token,
	}
	for _, e := range h.env {
		args = append(args, "-e", e)
	}
	args = append(args, h.options...)
	args = append(args, img)
	args = append(args, h.args...)
	n := &container{t: c.t, name: h.name, id: docker(c.t, args...), done: make(chan struct{})}
	go n.watch()
	c.t.Cleanup(n.remove)
	return n
}

func jobs(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("jobs")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (n *container) watch() {
	defer close(n.done)
	out, err := tryDocker("wait", n.id)
	n.left = time.Now()
	n.code = -1
	if err == nil {
		n.code, _ = strconv.Atoi(out)
	}
}

// remove ends the test's container and shows its output if the test failed.
func (n *container) remove() {
	if n.t.Failed() {
		n.t.Logf("--- %s printed:\n%s", n.name, n.logs())
	}
	if out, err := tryDocker("rm", "-f", "-v", n.id); err != nil {
		n.t.Errorf("remove %s: %v: %s", n.name, err, out)
	}
	<-n.done
}

// exit returns the container's exit code; a container that hasn't ended by the
// limit fails the test.
func (n *container) exit(limit time.Duration) int {
	n.t.Helper()
	select {
	case <-n.done:
		return n.code
	case <-time.After(limit):
		n.t.Fatalf("%s still runs after %s", n.name, limit)
		return -1
	}
}

func (n *container) logs() string {
	out, _ := tryDocker("logs", n.id)
	return out
}

// waitLog returns once the container has printed text.
func (n *container) waitLog(text string, limit time.Duration) {
	n.t.Helper()
	n.waitLogTimes(text, 1, limit)
}

// waitLogTimes returns once the container has printed text so many times.
func (n *container) waitLogTimes(text string, times int, limit time.Duration) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// Following ends with the container, which may be started again.
	for !n.follow(ctx, text, times) {
		if ctx.Err() != nil || docker(n.t, "inspect", "-f", "{{.State.Running}} {{.State.Restarting}}", n.id) == "false false" {
			// The last lines may have come with the end.
			if strings.Count(n.logs(), text) < times {
				n.t.Fatalf("%s did not print %q %d times", n.name, text, times)
			}
			return
		}
	}
}

// follow reports whether the container has printed text so many times, as soon
// as it has, or when it has ended.
func (n *container) follow(ctx context.Context, text string, times int) bool {
	n.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	follow := exec.CommandContext(ctx, "docker", "logs", "-f", n.id)
	out := &findWriter{want: []byte(text), times: times, found: make(chan struct{})}
	follow.Stdout, follow.Stderr = out, out
	if err := follow.Start(); err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = follow.Wait(); close(ended) }()
	select {
	case <-out.found:
		cancel()
		<-ended
		return true
	case <-ended:
		return false
	}
}

// findWriter closes found once want has been written to it so many times.
type findWriter struct {
	want  []byte
	times int
	mu    sync.Mutex
	seen  bytes.Buffer
	once  sync.Once
	found chan struct{}
}

func (w *findWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen.Write(p)
	if bytes.Count(w.seen.Bytes(), w.want) >= w.times {
		w.once.Do(func() { close(w.found) })
	}
	return len(p), nil
}

// exec runs a shell command in the container.
func (n *container) exec(script string) string {
	n.t.Helper()
	return docker(n.t, "exec", n.id, "sh", "-c", script)
}

// kill sends KILL to the container's processes whose command line matches. The
// container may end by that, and pkill with it.
func (n *container) kill(pattern string) {
	n.t.Helper()
	out, err := tryDocker("exec", n.id, "pkill", "-KILL", "-f", pattern)
	if code := exitCode(err); err != nil && code != 137 && code != 143 {
		n.t.Fatalf("kill %s on %s: %v: %s", pattern, n.name, err, out)
	}
}

// wantExits checks that every node ends with one of the codes within limit.
func wantExits(t *testing.T, limit time.Duration, want int, nodes ...*container) {
	t.Helper()
	for _, n := range nodes {
		if got := n.exit(limit); got != want {
			t.Errorf("%s ended with code %d, want %d", n.name, got, want)
		}
	}
}

// wantLog checks that the node printed every text.
func (n *container) wantLog(texts ...string) {
	n.t.Helper()
	logs := n.logs()
	for _, text := range texts {
		if !strings.Contains(logs, text) {
			n.t.Errorf("%s did not print %q", n.name, text)
		}
	}
}
