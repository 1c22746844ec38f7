package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// fullDisk has every place where a worker writes run full: TMPDIR, /dev/shm, and
// where its log goes. The nodes are syminit itself.
func fullDisk(t *testing.T, state string) string {
	nodes := newCluster(t, 3)
	head, victim, other := nodes[0], nodes[1], nodes[2]
	victim.small = true
	hold := filepath.Join(victim.dir, heldRay+victim.addr)
	if state == "starting" {
		if err := os.WriteFile(hold, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	until := func(what string, holds func() bool) {
		await(t, nodes, what, func() error {
			if !holds() {
				return errors.New("it doesn't")
			}
			return nil
		})
	}
	says := func(text string) { until("the head says "+text, func() bool { return head.saw(text) }) }
	head.open()
	says("1/3 nodes are here")
	victim.open()
	says("2/3 nodes are here")
	freeze := func(s syscall.Signal) {
		until("the agent is there", func() bool { return victim.signal("syminit-agent", s) })
	}
	// Before it speaks the job doesn't heed the signal yet, and would lose it.
	end := func() {
		says("JOB ")
		until("the job is there", func() bool { return head.signal("job", syscall.SIGUSR1) })
	}
	switch state {
	case "gathering":
		victim.fill(t)
		other.open()
	case "agreed":
		freeze(syscall.SIGSTOP)
		other.open()
		says("all nodes are here")
		victim.fill(t)
		freeze(syscall.SIGCONT)
	case "starting":
		other.open()
		until("the worker starts Ray", func() bool { return victim.find("ray") != 0 })
		victim.fill(t)
		if err := os.Remove(hold); err != nil {
			t.Fatal(err)
		}
	case "running":
		other.open()
		says("JOB ")
		victim.fill(t)
	case "draining":
		other.open()
		says("JOB ")
		freeze(syscall.SIGSTOP)
		end()
		until("the job ends", func() bool { return head.find("job") == 0 })
		victim.fill(t)
		freeze(syscall.SIGCONT)
	}
	if state == "starting" || state == "running" {
		end()
	}
	var codes []int
	for _, h := range nodes {
		<-h.done
		codes = append(codes, h.code)
	}
	noRoom := head.saw("no space left on device")
	switch {
	case slices.Equal(codes, []int{jobCode, jobCode, jobCode}):
		return "survived"
	case noRoom && slices.Equal(codes, []int{64, 64, 64}):
		return "all 64, no room for Ray's token on the worker"
	}
	report(t, nodes)
	t.Errorf("the nodes ended with %v", codes)
	return fmt.Sprint(codes)
}

// fill writes until nothing more can be written.
func (h *host) fill(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"/tmp", "/dev/shm", h.tmp} {
		f, err := os.OpenFile(fmt.Sprintf("/proc/%d/root%s/filler", h.cmd.Process.Pid, dir), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = f.Write(make([]byte, 1024))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("fill %s: %v", dir, err)
		}
		_ = f.Close()
	}
}
