package preflight

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Line is one thing that a node has, for a person.
type Line struct{ Name, Text string }

// Lines describes what is known of a node.
func (f Facts) Lines() []Line {
	var lines []Line
	add := func(known bool, name, format string, args ...any) {
		if known {
			lines = append(lines, Line{name, fmt.Sprintf(format, args...)})
		}
	}
	add(f.Link.Name != "", "interface", "%s", f.Link.text())
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(f.Versions)) {
		if version := f.Versions[name]; version != "" {
			versions = append(versions, name+" "+version)
		}
	}
	add(true, "software", "%s", cmp.Or(strings.Join(versions, ", "), "neither Ray nor vLLM found"))
	add(true, "GPUs", "%s", gpusText(f.GPUs))
	add(f.RDMA.Devices > 0, "InfiniBand", "%d devices, %d active", f.RDMA.Devices, f.RDMA.Active)
	add(f.Shm.Total > 0, "/dev/shm", "%s of %s free", bytesText(f.Shm.Free), bytesText(f.Shm.Total))
	add(f.NoFile > 0, "limits", "open files: %s, locked memory: %s", limitText(f.NoFile, func(n uint64) string { return strconv.FormatUint(n, 10) }), limitText(f.MemLock, bytesText))
	add(f.Memory.Total > 0, "memory", "%s of %s free", bytesText(f.Memory.Free), bytesText(f.Memory.Total))
	for _, d := range f.Disks {
		text := fmt.Sprintf("%s free under %s", bytesText(d.Space.Free), d.Path)
		if d.Denied != "" {
			text += ", which can't be written"
		}
		add(d.Space.Total > 0, "disk", "%s", text)
	}
	add(f.Model.Present, "model", "%s: %s", f.Model.Path, contents(f.Model))
	return lines
}

func (l Link) text() string {
	text := l.Name
	if l.MTU > 0 {
		text += ", MTU " + strconv.Itoa(l.MTU)
	}
	if l.Speed > 0 {
		text += ", " + speedText(l.Speed)
	}
	return text
}

func limitText(n uint64, text func(uint64) string) string {
	if n == Unlimited {
		return "unlimited"
	}
	return text(n)
}
