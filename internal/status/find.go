package status

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/procstat"
)

// ErrNone means that no syminit runs in this container.
var ErrNone = errors.New("no syminit runs a command here")

// ForbiddenError means that the one here is another user's.
type ForbiddenError struct {
	Pid      int
	UID, GID int  // whose it is
	Host     bool // it is not in one container with this process: both are on one host
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("syminit (process %d) runs as user %d, and only that user can ask it", e.Pid, e.UID)
}

// Find returns the state of the syminit that runs this container: of the
// processes named agent that share this one's mount namespace, as no process of
// another container does, it is the oldest. A command that it runs may be
// another syminit. On a host, without a container, it is this user's.
func Find(agent string) (State, error) {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return State{}, fmt.Errorf("tell this container from others: %w", err)
	}
	comms, _ := filepath.Glob("/proc/[0-9]*/comm") // fails for a bad pattern only
	best, started := 0, uint64(0)
	var other *ForbiddenError
	for _, path := range comms {
		comm, err := os.ReadFile(path)
		if err != nil || strings.TrimSuffix(string(comm), "\n") != agent {
			continue
		}
		dir := filepath.Dir(path)
		pid, _ := strconv.Atoi(filepath.Base(dir))
		space, err := os.Readlink(dir + "/ns/mnt")
		closed := errors.Is(err, fs.ErrPermission)
		if closed && !sameMounts(dir, "/proc/self") || !closed && (err != nil || space != own) {
			continue // another container's, or it has ended
		}
		it := whose(dir, pid)
		if closed || it.Host && it.UID != os.Geteuid() {
			if other == nil || other.Host {
				other = it
			}
		} else if p, gone := procstat.Read(pid); gone == nil && (best == 0 || p.Started < started) {
			best, started = pid, p.Started
		}
	}
	switch {
	case best != 0:
		return read(best), nil
	case other != nil:
		return State{}, other
	}
	return State{}, ErrNone
}

// read returns what the process of that number shows; nothing, where it has only
// begun.
func read(pid int) (s State) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, file := range files {
		if isPage(file) && s.parse(readPage(file)) {
			return s
		}
	}
	return State{}
}

// isPage reports whether a link in /proc leads to a state's memory file.
func isPage(link string) bool {
	target, _ := os.Readlink(link)
	return strings.HasPrefix(target, "/memfd:"+pageName+" ")
}

// readPage reads what another process has open. By now that may be something
// else, which isn't read: a pipe would lose what it holds.
func readPage(link string) (text []byte) {
	f, err := os.OpenFile(link, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	if isPage(fmt.Sprintf("/proc/self/fd/%d", f.Fd())) {
		text, _ = io.ReadAll(f)
	}
	return text
}

// whose returns the error that a process is another user's, if it is.
func whose(dir string, pid int) *ForbiddenError {
	it := &ForbiddenError{Pid: pid, Host: sharedHost(dir)}
	var st syscall.Stat_t
	if syscall.Stat(dir, &st) == nil { // else it has ended
		it.UID, it.GID = int(st.Uid), int(st.Gid)
	}
	return it
}
