package containers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A Cluster is a Docker network of its own and the containers on it; the hosts
// of one run.
type Cluster struct {
	T     *testing.T
	Image string
	Net   string
	Token string
}

// NewCluster makes the network.
func NewCluster(t *testing.T, image string) *Cluster {
	t.Helper()
	c := &Cluster{T: t, Image: image, Token: "0123456789abcdef0123456789abcdef"}
	c.Net = fmt.Sprintf("syminit-%d-%s", os.Getpid(), strings.NewReplacer("/", "-", " ", "-", "=", "-").Replace(strings.ToLower(t.Name())))
	Docker(t, "network", "create", c.Net)
	t.Cleanup(func() {
		if out, err := TryDocker("network", "rm", c.Net); err != nil {
			t.Errorf("remove network: %v: %s", err, out)
		}
	})
	return c
}

// A Host says how one container is started.
type Host struct {
	Name    string
	Env     []string // NAME=value; added to the cluster's own
	Options []string // further options of docker run
	Image   string   // the cluster's, if empty
	Args    []string // behind the image
}

// Run starts a node with the environment that every host of the cluster shares.
// The folder jobs beside the test is /jobs in it, where there is one.
func (c *Cluster) Run(h Host) *Container {
	c.T.Helper()
	image := c.Image
	if h.Image != "" {
		image = h.Image
	}
	args := []string{
		"run", "-d", "--network", c.Net, "--network-alias", h.Name, "--hostname", h.Name,
		"--shm-size", "512m", "-e", "SYMINIT_HEAD=head", "-e", "SYMINIT_TOKEN=" + c.Token,
	}
	if jobs, err := filepath.Abs("jobs"); err == nil && isFolder(jobs) {
		args = append(args, "-v", jobs+":/jobs:ro")
	}
	for _, e := range h.Env {
		args = append(args, "-e", e)
	}
	args = append(args, h.Options...)
	args = append(args, image)
	args = append(args, h.Args...)
	n := &Container{t: c.T, Name: h.Name, ID: Docker(c.T, args...), Done: make(chan struct{})}
	go n.watch()
	c.T.Cleanup(n.remove)
	return n
}

// Pair starts a head and a worker with the same command.
func (c *Cluster) Pair(h Host) (head, worker *Container) {
	c.T.Helper()
	h.Env = append(slices.Clip(h.Env), "SYMINIT_NODES=2")
	h.Name = "head"
	head = c.Run(h)
	h.Name = "worker"
	return head, c.Run(h)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
