package docker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// spmd is a host that runs a shell script as each node's job. Its arguments
// are references, which only syminit can replace.
func spmd(script string, env ...string) containers.Host {
	return containers.Host{
		Env:  append([]string{"SYMINIT_RUNTIME=spmd"}, env...),
		Args: []string{"sh", "-c", script, "job", "$(SYMINIT_RANK)", "$(SYMINIT_NODES)", "$(SYMINIT_HEAD_IP)"},
	}
}

// printed is how often the container has printed a line. What is in it of the
// job's variables tells it from the job's command, which the log shows.
func printed(n *containers.Container, line string) (times int) {
	for printed := range strings.Lines(n.Logs()) {
		if strings.TrimSpace(printed) == line {
			times++
		}
	}
	return times
}

// TestSPMDRunsOnEveryNode: each has its place in words that torch knows and in
// its arguments, and none leaves before all have ended.
func TestSPMDRunsOnEveryNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	job := `[ "$NODE_RANK/$NNODES $MASTER_ADDR" = "$1/$2 $3" ] || exit 9
echo "JOB rank=$1 master=$MASTER_ADDR:$MASTER_PORT self=$VLLM_HOST_IP/$(hostname -i)"
[ $1 != 1 ] || sleep 1
echo "JOB ends rank=$1"`
	head, worker1, worker2 := three(c, spmd(job))
	nodes := []*containers.Container{head, worker1, worker2}
	containers.WantExits(t, up, 0, nodes...)
	var ranks, addrs []string
	for _, n := range nodes {
		var rank, addr, self string
		for line := range strings.Lines(n.Logs()) {
			_, _ = fmt.Sscanf(line, "JOB rank=%s master=%s self=%s", &rank, &addr, &self)
		}
		if own, host, _ := strings.Cut(self, "/"); own == "" || own != host {
			t.Errorf("%s has the address %s for itself, and its host %s", n.Name, own, host)
		}
		if n == head && addr != strings.Split(self, "/")[0]+":29500" {
			t.Errorf("MASTER_ADDR and MASTER_PORT are %s, the head %s", addr, self)
		}
		n.WantLog("JOB ends rank="+rank, "every node's job has ended with code 0")
		ranks, addrs = append(ranks, rank), append(addrs, addr)
	}
	if ranks[0] != "0" || !slices.Equal(slices.Sorted(slices.Values(ranks)), []string{"0", "1", "2"}) {
		t.Errorf("ranks %q", ranks)
	}
	if len(slices.Compact(addrs)) != 1 {
		t.Errorf("the nodes have several masters: %q", addrs)
	}
}

// TestSPMDFirstFailureEndsAll, also where others have ended well already; its
// last lines are on the head.
func TestSPMDFirstFailureEndsAll(t *testing.T) {
	for _, rank := range []string{"0", "2"} {
		t.Run("rank="+rank, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker1, worker2 := three(c, spmd(`case $1 in
`+rank+`) echo "last words" >&2; exit 3;;
1) exit 0;;
esac
while :; do sleep 1000; done`))
			containers.WantExits(t, up, 3, head, worker1, worker2)
			head.WantLog("the job exited with code 3")
			if rank != "0" {
				head.WantLog("| last words", "(rank 2, worker")
			}
		})
	}
}

// TestSPMDTerm: on any node, it reaches every node's job once, and each has its
// time.
func TestSPMDTerm(t *testing.T) {
	for _, told := range []string{"head", "worker"} {
		t.Run(told, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			head, worker := c.Pair(spmd(`trap 'echo "JOB saves rank=$1"; sleep 2; echo "JOB saved rank=$1"; exit 5' TERM
[ $1 = 1 ] || trap 'exit 5' TERM
echo "JOB up rank=$1"
while :; do sleep 1000 & wait $!; done`))
			nodes := map[string]*containers.Container{"head": head, "worker": worker}
			head.WaitLog("JOB up rank=0", up)
			worker.WaitLog("JOB up rank=1", up)
			containers.Docker(t, "stop", "-t", "30", nodes[told].ID)
			containers.WantExits(t, up, 5, head, worker)
			if got := printed(worker, "JOB saves rank=1"); got != 1 {
				t.Errorf("the worker's job was told %d times", got)
			}
			worker.WantLog("JOB saved rank=1") // though the head's had ended long before
		})
	}
}

// TestSPMDLostNode: all others end.
func TestSPMDLostNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker1, worker2 := three(c, spmd(`echo "JOB up rank=$1"; while :; do sleep 1000; done`))
	worker2.WaitLog("JOB up rank=2", up)
	containers.Docker(t, "kill", worker2.ID)
	containers.WantExits(t, up, 137, worker2)
	containers.WantExits(t, up, 69, head, worker1)
	for _, n := range []*containers.Container{head, worker1} {
		if took := n.Left.Sub(worker2.Left); took > 10*time.Second {
			t.Errorf("%s stayed %s longer", n.Name, took)
		}
	}
}

// TestSPMDRestart: what fails on one node is started again on all of them. A
// job's own 127 is no command that isn't there.
func TestSPMDRestart(t *testing.T) {
	for _, rank := range []string{"0", "1"} {
		t.Run("rank="+rank, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			// The other node's job may be over before it has begun, the first time.
			head, worker := c.Pair(spmd(`[ $1 = `+rank+` ] || exit 0
echo "JOB run rank=$1"
echo x >>/tmp/runs
[ $(wc -l </tmp/runs) = 1 ] || exit 0
echo "last words of $1" >&2
exit 127`, "SYMINIT_RESTARTS=1"))
			containers.WantExits(t, up, 0, head, worker)
			if got := printed(map[string]*containers.Container{"0": head, "1": worker}[rank], "JOB run rank="+rank); got != 2 {
				t.Errorf("the job ran %d times", got)
			}
			for _, n := range []*containers.Container{head, worker} {
				n.WantLog("starting it again", "every node's job has ended with code 0")
			}
			if rank == "1" {
				head.WantLog("| last words of 1")
			}
		})
	}
}
