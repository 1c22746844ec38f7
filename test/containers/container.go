package containers

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Container is one node of a cluster.
type Container struct {
	Name string // its host name, and its name on the network
	ID   string
	Done chan struct{} // closed when it has ended
	Left time.Time     // when it had; to be read once Done is closed

	t    *testing.T
	code int
}

func (n *Container) watch() {
	defer close(n.Done)
	out, err := TryDocker("wait", n.ID)
	n.Left = time.Now()
	n.code = -1
	if err == nil {
		n.code, _ = strconv.Atoi(out)
	}
}

func (n *Container) remove() {
	if n.t.Failed() {
		n.t.Logf("--- %s printed:\n%s", n.Name, n.Logs())
	}
	if out, err := TryDocker("rm", "-f", "-v", n.ID); err != nil {
		n.t.Errorf("remove %s: %v: %s", n.Name, err, out)
	}
	<-n.Done
}

// Exit returns the container's exit code; a container that hasn't ended by the
// limit fails the test.
func (n *Container) Exit(limit time.Duration) int {
	n.t.Helper()
	select {
	case <-n.Done:
		return n.code
	case <-time.After(limit):
		n.t.Fatalf("%s still runs after %s", n.Name, limit)
		return -1
	}
}

// StartAgain starts a container that has ended, as its engine or a person would:
// with the same files and, if nobody took it meanwhile, the same address.
func (n *Container) StartAgain() {
	n.t.Helper()
	<-n.Done
	Docker(n.t, "start", n.ID)
	n.Done = make(chan struct{})
	go n.watch()
}

// WantExits checks that every node ends with the code within limit.
func WantExits(t *testing.T, limit time.Duration, want int, nodes ...*Container) {
	t.Helper()
	for _, n := range nodes {
		if got := n.Exit(limit); got != want {
			t.Errorf("%s ended with code %d, want %d", n.Name, got, want)
		}
	}
}

// Exec runs a shell command in the container.
func (n *Container) Exec(script string) string {
	n.t.Helper()
	return Docker(n.t, "exec", n.ID, "sh", "-c", script)
}

// Signal sends a signal to the container's first process.
func (n *Container) Signal(name string) {
	n.t.Helper()
	Docker(n.t, "kill", "--signal", name, n.ID)
}

// Kill sends KILL to the container's processes whose command line matches. The
// container may end by that, and pkill with it.
func (n *Container) Kill(pattern string) {
	n.t.Helper()
	out, err := TryDocker("exec", n.ID, "pkill", "-KILL", "-f", pattern)
	if code := ExitCode(err); err != nil && code != 137 && code != 143 {
		n.t.Fatalf("kill %s on %s: %v: %s", pattern, n.Name, err, out)
	}
}

// Address returns the container's address on its network.
func (n *Container) Address() string {
	n.t.Helper()
	return Docker(n.t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", n.ID)
}

// Logs returns what the container has printed.
func (n *Container) Logs() string {
	out, _ := TryDocker("logs", n.ID)
	return out
}

// WantLog checks that the node printed every text.
func (n *Container) WantLog(texts ...string) {
	n.t.Helper()
	logs := n.Logs()
	for _, text := range texts {
		if !strings.Contains(logs, text) {
			n.t.Errorf("%s did not print %q", n.Name, text)
		}
	}
}
