// Package docker starts containers for measurements, on a network of their own.
package docker

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Run runs the docker client and returns what it prints.
func Run(args ...string) (string, error) {
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// Time reads a time from a container's state: StartedAt, FinishedAt.
func Time(id, field string) (time.Time, error) {
	out, err := Run("inspect", "-f", "{{.State."+field+"}}", id)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, out)
}

// A Network is a Docker network and the containers on it.
type Network struct {
	Name string
	ids  []string
}

// NewNetwork makes one.
func NewNetwork() (*Network, error) {
	n := &Network{Name: fmt.Sprintf("syminit-bench-%d-%d", os.Getpid(), time.Now().UnixNano())}
	_, err := Run("network", "create", n.Name)
	return n, err
}

// Start starts a container of that name on the network, with further arguments
// of docker run, and returns its id.
func (n *Network) Start(name string, args ...string) (string, error) {
	all := append([]string{"run", "-d", "--network", n.Name, "--network-alias", name, "--hostname", name, "--shm-size", "512m"}, args...)
	id, err := Run(all...)
	if err == nil {
		n.ids = append(n.ids, id)
	}
	return id, err
}

// Remove removes the network and all its containers.
func (n *Network) Remove() {
	if len(n.ids) > 0 {
		_, _ = Run(append([]string{"rm", "-f", "-v"}, n.ids...)...)
	}
	_, _ = Run("network", "rm", n.Name)
}
