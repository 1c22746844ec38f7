package pid1

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

const sharedMemory = "/dev/shm"

// nameShared logs what the run may have left in /dev/shm, where that is not the
// container's own (--ipc=host) and so outlives it: files of this user that are
// younger than began. Nothing is removed: whether a process of another container
// uses one can't be seen from here.
func nameShared(log *zap.Logger, began time.Time) {
	names, size := youngFiles(sharedMemory, began)
	if len(names) == 0 {
		return
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || !outlives(mounts, sharedMemory) {
		return
	}
	log.Warn("files that may be this run's are left in "+sharedMemory+", which outlives this container; remove those that nothing uses",
		zap.Int("count", len(names)), zap.Int64("bytes", size), zap.Strings("files", names[:min(len(names), maxNamed)]))
}

// fileClock is the time that a file made now would have: the kernel's coarse
// clock, which lags some milliseconds behind.
func fileClock() time.Time {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now)
	return time.Unix(now.Unix())
}

// youngFiles lists the regular files in a folder that belong to this process's
// user and are not older than began, and says how many bytes they take.
func youngFiles(folder string, began time.Time) (names []string, size int64) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		var s unix.Statx_t
		path := filepath.Join(folder, e.Name())
		if unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &s) != nil || int(s.Uid) != os.Geteuid() {
			continue
		}
		born := s.Btime
		if s.Mask&unix.STATX_BTIME == 0 { // an older kernel's tmpfs doesn't know
			born = s.Mtime
		}
		if !time.Unix(born.Sec, int64(born.Nsec)).Before(began) {
			names, size = append(names, e.Name()), size+int64(s.Blocks)*512
		}
	}
	return names, size
}

// outlives reports whether what is mounted at path isn't the container's own.
// The tmpfs that Docker, containerd and podman make for a container has the
// source shm; the host's, which systemd mounts, has another.
func outlives(mounts []byte, path string) bool {
	shared := false // the last one mounted at path is the one that is seen
	for line := range bytes.Lines(mounts) {
		mount, source, _ := bytes.Cut(line, []byte(" - "))
		if f, s := bytes.Fields(mount), bytes.Fields(source); len(f) > 4 && len(s) > 1 && string(f[4]) == path {
			shared = string(s[1]) != "shm"
		}
	}
	return shared
}
