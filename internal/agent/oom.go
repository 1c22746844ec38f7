package agent

import (
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// oomKills is how many processes of this control group the kernel has killed for want
// of memory so far; -1 where it doesn't tell.
func oomKills() int {
	return oomKillsIn(func(name string) (string, error) {
		text, err := os.ReadFile(name)
		return string(text), err
	})
}

// oomKillsIn reads Linux's cgroup-v2.rst, memory.events, or cgroup-v1/memory.rst,
// memory.oom_control. In a container the path may be the host's, and the group be
// mounted at the top.
func oomKillsIn(read func(name string) (string, error)) int {
	groups, _ := read("/proc/self/cgroup")
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		mount, name := "/sys/fs/cgroup", "memory.events"
		switch {
		case len(parts) < 3:
			continue
		case parts[1] == "memory":
			mount, name = "/sys/fs/cgroup/memory", "memory.oom_control"
		case parts[1] != "":
			continue
		}
		text, err := read(path.Join(mount, parts[2], name))
		if err != nil {
			text, _ = read(path.Join(mount, name))
		}
		for entry := range strings.Lines(text) {
			if count, ok := strings.CutPrefix(entry, "oom_kill "); ok {
				if n, err := strconv.Atoi(strings.TrimSpace(count)); err == nil && n >= 0 {
					return n
				}
			}
		}
	}
	return -1
}

// wantOfMemory ends the cause of a job's failure, where memory may be that: with what
// oomKills said before the job and after it. The group may be a container's, or a Slurm
// step's without one.
func wantOfMemory(status syscall.WaitStatus, before, after int) string {
	switch {
	case before >= 0 && after > before:
		return " (the kernel has killed in this node's control group for want of memory)"
	case after < 0 && status.Signaled() && status.Signal() == syscall.SIGKILL:
		return " (out of memory, or kill -9)"
	}
	return ""
}
