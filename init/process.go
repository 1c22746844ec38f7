package pid1

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/procstat"
)

// identity tells two processes apart that had the same number one after the other.
type identity struct {
	pid     int
	started uint64 // clock ticks since boot
}

type process struct{ procstat.Stat }

func (p process) identity() identity { return identity{p.PID, p.Started} }

func (p process) String() string {
	state := string(p.State)
	switch p.State {
	case 'R':
		state = "running"
	case 'S', 'I':
		state = "sleeping"
	case 'D':
		state = "stuck in the kernel"
	case 'T', 't':
		state = "stopped"
	}
	return fmt.Sprintf("%d %s (%s)", p.PID, p.Name, state)
}

// signal never reaches another process that has got the number meanwhile: a
// pidfd holds on to the one process, and it is the right one if that still has
// the number now. Before Linux 5.3 there are none; kill(2) must do.
func (p process) signal(s unix.Signal) {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		fd = -1
	} else {
		defer func() { _ = unix.Close(fd) }()
	}
	if now, err := procstat.Read(p.PID); err != nil || now.Started != p.Started {
		return
	}
	if fd < 0 {
		_ = unix.Kill(p.PID, s)
		return
	}
	_ = unix.PidfdSendSignal(fd, s, nil, 0)
}

// processes lists all processes that visible does.
func processes() ([]process, error) {
	all, err := visible()
	return named(all), err
}

// visible lists all processes that /proc shows. It is an error when that is
// the /proc of another PID namespace, where the numbers mean others.
func visible() ([]procstat.Stat, error) {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return nil, errors.New("/proc is not that of this PID namespace: mount one to have the processes named")
	}
	return procstat.All()
}

func named(all []procstat.Stat) []process {
	list := make([]process, len(all))
	for i, s := range all {
		list[i] = process{s}
	}
	return list
}
