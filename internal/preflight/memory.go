package preflight

import (
	"path"
	"strconv"
	"strings"
)

// lookAtMemory finds how much memory this node has and how much of it is free:
// the host's, or less where a control group limits it.
func lookAtMemory(h Host, _ Request) func(*Facts) {
	info := h.read("/proc/meminfo")
	memory := Space{Total: kilobytes(field(info, "MemTotal")), Free: kilobytes(field(info, "MemAvailable"))}
	for line := range strings.Lines(h.read("/proc/self/cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[1] == "":
			memory = h.within(memory, "/sys/fs/cgroup", parts[2], groupV2)
		case strings.Contains(","+parts[1]+",", ",memory,"):
			memory = h.within(memory, "/sys/fs/cgroup/memory", parts[2], groupV1)
		}
	}
	return func(f *Facts) { f.Memory = memory }
}

// groupFiles names a control group's files (Linux's
// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst).
type groupFiles struct{ limit, usage, cache string }

var (
	groupV2 = groupFiles{"memory.max", "memory.current", "inactive_file"}
	groupV1 = groupFiles{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
)

// within holds memory against the limits of a control group and of those that it
// is in. In a container the path may be the host's, and the group be mounted at
// the top.
func (h Host) within(memory Space, mount, group string, files groupFiles) Space {
	if !h.exists(path.Join(mount, group)) {
		group = "/"
	}
	for ; ; group = path.Dir(group) {
		dir := path.Join(mount, group)
		if limit := h.number(path.Join(dir, files.limit)); limit > 0 && limit < memory.Total {
			memory.Total = limit
			used := h.number(path.Join(dir, files.usage))
			// Files in memory that nobody uses make room.
			used -= min(used, statNumber(h.read(path.Join(dir, "memory.stat")), files.cache))
			memory.Free = min(memory.Free, limit-min(limit, used))
		}
		if group == "/" || group == "." {
			return memory
		}
	}
}

func kilobytes(text string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSuffix(text, " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// statNumber reads a line "name number".
func statNumber(text, name string) uint64 {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			return n
		}
	}
	return 0
}

// capable reports whether this process has a capability.
func (h Host) capable(capability int) bool {
	mask, err := strconv.ParseUint(field(h.read("/proc/self/status"), "CapEff"), 16, 64)
	return err == nil && mask>>capability&1 == 1
}
