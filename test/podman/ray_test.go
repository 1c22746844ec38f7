package podman

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRay: the script in examples/docker with podman without root: a real Ray job
// over two hosts, with the container's root file system read-only, and its code is
// that of both.
func TestRay(t *testing.T) {
	e := engines(t)[1]
	t.Parallel()
	var nodes [2]*node
	for i := range nodes {
		env := e.example(network+".11", fmt.Sprintf("--userns=keep-id --read-only --hostname node%d -e EXIT_CODE=7", i+1))
		command := append(e.command[:len(e.command)-1:len(e.command)-1], "env", "DOCKER=podman")
		nodes[i] = onHost(t, 1+i, nil, append(append(command, env...), "/opt/run.sh", "python3", "/jobs/nodes.py")...)
	}
	wantRun(t, nodes, 7)
}

// TestExample: the script in examples/docker does it with podman too. With
// --pid=host syminit is not process 1. The service manager is told that the run
// is up, and by nobody but syminit.
func TestExample(t *testing.T) {
	e := engines(t)[0]
	t.Parallel()
	manager, path := newManager(t)
	var nodes [2]*node
	for i := range nodes {
		name := fmt.Sprintf("%s-node%d", shared.tag, i+1)
		t.Cleanup(func() { _ = e.cmd("rm", "-f", name).Run() })
		options := fmt.Sprintf("--pid=host --name %s --hostname node%d -e EXIT_CODE=7", name, i+1)
		var env []string
		if i == 0 {
			options += " --sdnotify=container"
			env = append(env, "NOTIFY_SOCKET="+path)
		}
		env = append(append(env, e.command[1:len(e.command)-1]...), "DOCKER=podman")
		nodes[i] = onHost(t, 3+i, append(env, e.example(network+".13", options)...), "../../examples/docker/run.sh", "python3", "/jobs/nodes.py", "NOTIFY_SOCKET")
	}
	wantRun(t, nodes, 7)
	if out := nodes[0].out.String(); strings.Count(out, "NOTIFY_SOCKET=None") != 2 {
		t.Errorf("the job's tasks have NOTIFY_SOCKET: %s", out)
	}
	for !strings.Contains(hearsOf(t, manager), "READY=1") { // runc says other things too
	}
}

// example is the environment that examples/docker's script takes, on each of two
// hosts.
func (e engine) example(head, options string) []string {
	return []string{
		"IMAGE=" + e.image, "HEAD=" + head, "NODES=2", "SHM_SIZE=512m", "SYMINIT_TOKEN=" + token,
		"DOCKER_ARGS=" + options + " " + strings.Join(e.mounts, " "),
	}
}

const token = "0123456789abcdef0123456789abcdef"

// A node is a command that runs on one of the hosts.
type node struct {
	cmd *exec.Cmd
	out output
}

// An output is what a command has printed so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// prints returns once the node has printed the text.
func (n *node) prints(t *testing.T, text string) {
	t.Helper()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(limit); !strings.Contains(n.out.String(), text); {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("it doesn't print %q but:\n%s", text, n.out.String())
		}
	}
}

func onHost(t *testing.T, host int, env []string, command ...string) *node {
	t.Helper()
	n := &node{cmd: exec.Command("nsenter", append([]string{fmt.Sprintf("--net=/run/netns/%s-%d", shared.tag, host), "--"}, command...)...)}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "SYMINIT_") { // those of the tests
			n.cmd.Env = append(n.cmd.Env, entry)
		}
	}
	n.cmd.Env = append(n.cmd.Env, env...)
	n.cmd.Stdout, n.cmd.Stderr = &n.out, &n.out
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantRun waits for the nodes, the head first, and wants that exit code of each.
func wantRun(t *testing.T, nodes [2]*node, want int) {
	t.Helper()
	for i, n := range nodes {
		if got := code(n.cmd.Wait()); got != want {
			t.Errorf("node %d ended with code %d, want %d", i+1, got, want)
		}
	}
	for _, text := range []string{"JOB nodes=2", "JOB task host=node1", "JOB task host=node2"} {
		if !strings.Contains(nodes[0].out.String(), text) {
			t.Errorf("the head doesn't print %q", text)
		}
	}
	if t.Failed() {
		t.Logf("%s\n---\n%s", nodes[0].out.String(), nodes[1].out.String())
	}
}
