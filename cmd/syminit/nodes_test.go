package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// nodes are what the nodes of a run have in common that meet on this host, at its
// loopback address. Each is in a container of its own, but for the network.
type nodes []string

func newNodes(t *testing.T, settings ...string) nodes {
	t.Helper()
	environ := append(os.Environ(), "SYMINIT_HEAD=127.0.0.1", "SYMINIT_NODE_IP=127.0.0.1", "SYMINIT_PORT="+freePort(t))
	return append(environ, settings...)
}

// node starts one; its role is head or worker, and its host has that name.
func (n nodes) node(t *testing.T, role, name string, settings []string, job ...string) *started {
	t.Helper()
	cmd := asProcess1(t, exec.Command("bash", append([]string{
		"-c", `mount -t proc proc /proc; echo "$0" >/proc/sys/kernel/hostname; exec "$@"`, name, syminit(t), "--",
	}, job...)...))
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUTS
	cmd.Env = slices.Concat(n, []string{"SYMINIT_ROLE=" + role}, settings)
	return start(t, cmd)
}

// rename gives the host of s another name.
func (s *started) rename(name string) {
	s.t.Helper()
	out, err := exec.Command("nsenter", "--target", fmt.Sprint(s.Process.Pid), "--user", "--preserve-credentials", "--uts", "hostname", name).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}

// kill ends the container of s at once.
func (s *started) kill() {
	s.t.Helper()
	if err := s.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.Wait()
}

// says returns whether the log has the text.
func (s *started) says(text string) bool {
	s.t.Helper()
	log, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Contains(string(log), text)
}

const strongSecret = "SYMINIT_TOKEN=00112233445566778899aabbccddeeff"

// Nodes have the ranks of the run before, which aren't those that their names
// would give them: by their own word with a new head, which knows nothing of that
// run, and by the head's where they are new themselves.
func TestRanksStay(t *testing.T) {
	all := newNodes(t, "SYMINIT_NODES=3", "SYMINIT_RUNTIME=spmd", "SYMINIT_RESTARTS=unlimited", "SYMINIT_LOST_AFTER=1m", strongSecret)
	begin := func(role, name string) *started {
		return all.node(t, role, name, nil, "bash", "-c", `echo $SYMINIT_RANK >&3; exec sleep 1000`)
	}
	head, first, second := begin("head", "a"), begin("worker", "b"), begin("worker", "c")
	head.expect("0\n")
	first.expect("1\n")
	second.expect("2\n")

	first.rename("d")
	head.kill()
	head = begin("head", "a")
	head.expect("0\n")
	first.expect("1\n")
	second.expect("2\n")

	first.kill()
	second.kill()
	first, second = begin("worker", "d"), begin("worker", "c")
	head.expect("0\n")
	first.expect("1\n")
	second.expect("2\n")

	head.send(syscall.SIGTERM)
	for _, s := range []*started{head, first, second} {
		s.end(143)
	}
}

// Without a secret of the run's own, the head's variables go to the workers, but
// for those that are secrets.
func TestSecretsStayAtHome(t *testing.T) {
	all := newNodes(t, "SYMINIT_NODES=2", "SYMINIT_RUNTIME=spmd", "SYMINIT_INSECURE=true", "SYMINIT_PROPAGATE=OURS_*")
	job := []string{"bash", "-c", `echo "${OURS_TOKEN-none} ${OURS_MODE-none}" >&3`}
	head := all.node(t, "head", "a", []string{"OURS_TOKEN=S3CRET", "OURS_MODE=fast"}, job...)
	worker := all.node(t, "worker", "b", nil, job...)
	head.expect("S3CRET fast\n")
	worker.expect("none fast\n")
	head.end(0)
	worker.end(0)
	if !head.says("OURS_TOKEN is not passed on to the workers") {
		t.Error("the head doesn't say so")
	}
}

// vLLM's own backend tells nodes apart by their addresses.
func TestOneAddressForTwo(t *testing.T) {
	all := newNodes(t, "SYMINIT_NODES=2", "SYMINIT_RUNTIME=mp", strongSecret)
	job := []string{"vllm", "serve", "m", "-tp", "2"}
	head, worker := all.node(t, "head", "a", nil, job...), all.node(t, "worker", "b", nil, job...)
	worker.end(77)
	if !worker.says("this run needs one address a node") {
		t.Error("the worker doesn't say so")
	}
	head.send(syscall.SIGTERM)
	head.end(143)
}
