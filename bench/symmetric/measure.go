package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/syminit/syminit/bench/docker"
)

// A result is one run of two containers.
type result struct {
	start, head, worker time.Duration
	headMB, workerMB    float64
}

// A launcher is one way to start the same job on both nodes.
type launcher struct {
	name    string
	options []string // of docker run
	args    []string // the job is appended
	process string   // pkill -f pattern of the launcher's own processes
}

var (
	symmetricRun = launcher{
		name:    "ray symmetric-run",
		options: []string{"--entrypoint", "ray"},
		args:    []string{"symmetric-run", "--address", "head:6379", "--min-nodes", "2", "--"},
		process: "ray symmetric-run",
	}
	syminit = launcher{
		name:    "syminit",
		options: []string{"-e", "SYMINIT_HEAD=head", "-e", "SYMINIT_NODES=2", "-e", "SYMINIT_RUNTIME=ray", "-e", "SYMINIT_TOKEN=0123456789abcdef0123456789abcdef"},
		process: "^(/usr/local/bin/)?syminit",
	}
)

// job says when it starts and when it ends, in seconds since 1970.
var job = []string{"sh", "-c", "date +BEGIN=%s.%N; sleep 1; date +END=%s.%N"}

// measureMemory reads the memory in a run of its own kind: each node alone,
// waiting for the other.
func (r *result) measureMemory(image string, l launcher) (err error) {
	if r.headMB, err = waitingMemory(image, l, "head"); err == nil {
		r.workerMB, err = waitingMemory(image, l, "worker")
	}
	return err
}

// measure runs the job once over a head and a worker.
func measure(image string, l launcher) (r result, err error) {
	n, err := docker.NewNetwork()
	if err != nil {
		return r, err
	}
	defer n.Remove()
	head, err := start(n, image, l, "head")
	if err != nil {
		return r, err
	}
	worker, err := start(n, image, l, "worker")
	if err != nil {
		return r, err
	}
	if _, err := docker.Run("wait", head, worker); err != nil {
		return r, err
	}
	logs, err := docker.Run("logs", head)
	if err != nil {
		return r, err
	}
	begin, err1 := stamp(logs, "BEGIN=")
	end, err2 := stamp(logs, "END=")
	launched, err3 := docker.Time(head, "StartedAt")
	headGone, err4 := docker.Time(head, "FinishedAt")
	workerGone, err5 := docker.Time(worker, "FinishedAt")
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return r, fmt.Errorf("%w; the head printed: %s", err, logs)
	}
	r.start, r.head, r.worker = begin.Sub(launched), headGone.Sub(end), workerGone.Sub(end)
	return r, nil
}

// waitingMemory starts one node alone and returns the memory of the launcher's
// processes once it stays the same for two seconds: the proportional set size,
// which counts a page that two of them share once.
func waitingMemory(image string, l launcher, name string) (float64, error) {
	n, err := docker.NewNetwork()
	if err != nil {
		return 0, err
	}
	defer n.Remove()
	if name == "worker" {
		// The head's name has to lead somewhere else than to this node.
		if _, err := n.Start("head", "--entrypoint", "sleep", image, "600"); err != nil {
			return 0, err
		}
	}
	id, err := start(n, image, l, name)
	if err != nil {
		return 0, err
	}
	script := "for p in $(pgrep -f '" + l.process + "'); do awk '/^Pss:/{print $2}' /proc/$p/smaps_rollup; done"
	var last float64
	same := 0
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for same < 4 {
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("%s on %s: memory did not settle", l.name, name)
		case <-tick.C:
		}
		out, err := docker.Run("exec", id, "sh", "-c", script)
		if err != nil {
			return 0, err
		}
		var kb float64
		for f := range strings.FieldsSeq(out) {
			v, _ := strconv.ParseFloat(f, 64)
			kb += v
		}
		if kb > 0 && kb > 0.99*last && kb < 1.01*last {
			same++
		} else {
			same = 0
		}
		last = kb
	}
	return last / 1024, nil
}

func start(n *docker.Network, image string, l launcher, name string) (string, error) {
	args := append([]string{}, l.options...)
	args = append(args, image)
	args = append(args, l.args...)
	return n.Start(name, append(args, job...)...)
}

// stamp finds the job's own line: ray symmetric-run prints the job's arguments
// too.
func stamp(logs, mark string) (time.Time, error) {
	found := regexp.MustCompile(`(?m)^` + mark + `([0-9.]+)\s*$`).FindStringSubmatch(logs)
	if found == nil {
		return time.Time{}, fmt.Errorf("the job did not print %s", mark)
	}
	seconds, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read %s: %w", mark, err)
	}
	return time.UnixMicro(int64(seconds * 1e6)), nil
}
