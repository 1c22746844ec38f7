package preflight

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// versionDriver is the name of the driver's version.
const versionDriver = "the NVIDIA driver"

// lookAtGPUs reads what NVIDIA's driver tells in /proc, which takes no library
// and no time. A container sees the whole host's GPUs there unless its engine
// hides them; it can use those whose device file it has.
func lookAtGPUs(h Host, _ Request) func(*Facts) {
	var usable []gpu
	hidden := 0
	for _, file := range h.glob("/proc/driver/nvidia/gpus/*/information") {
		text := h.read(file)
		if minor := field(text, "Device Minor"); !h.exists("/dev/nvidia" + minor) {
			hidden++
			continue
		}
		usable = append(usable, gpu{model: field(text, "Model"), uuid: field(text, "GPU UUID")})
	}
	left, missing := usable, ""
	if list, ok := h.Env("CUDA_VISIBLE_DEVICES"); ok {
		left, missing = visible(usable, list)
	}
	driver := driverVersion(h.read("/proc/driver/nvidia/version"))
	return func(f *Facts) {
		f.GPUs = kinds(left)
		if len(usable) == 0 {
			f.HiddenGPUs = hidden
		} else {
			f.MissingGPU = missing
		}
		if driver == "" {
			return
		}
		versions := map[string]string{versionDriver: driver}
		maps.Copy(versions, f.Versions)
		f.Versions = versions
	}
}

// kinds counts GPUs by their model.
func kinds(gpus []gpu) []GPU {
	var all []GPU
	for _, g := range gpus {
		i := slices.IndexFunc(all, func(a GPU) bool { return a.Model == g.model })
		if i < 0 {
			i, all = len(all), append(all, GPU{Model: g.model})
		}
		all[i].Count++
	}
	return all
}

// driverVersion finds 550.54.15 in "NVRM version: NVIDIA UNIX x86_64 Kernel
// Module  550.54.15  Tue …": the first word that is a number with a dot.
func driverVersion(text string) string {
	for word := range strings.FieldsSeq(field(text, "NVRM version")) {
		if strings.Trim(word, "0123456789.") == "" && strings.Contains(word, ".") {
			return word
		}
	}
	return ""
}

// lookAtRDMA counts InfiniBand's devices, and Ethernet's that can do the same.
func lookAtRDMA(h Host, _ Request) func(*Facts) {
	var r RDMA
	for _, device := range h.glob("/sys/class/infiniband/*") {
		r.Devices++
		if slices.ContainsFunc(h.glob("/"+path.Join(device, "ports/*/state")), func(file string) bool {
			return strings.HasSuffix(h.read(file), "ACTIVE") // "4: ACTIVE"
		}) {
			r.Active++
		}
	}
	r.Usable = len(h.glob("/dev/infiniband/uverbs*")) > 0
	return func(f *Facts) { f.RDMA = r }
}

// LinkOf describes an interface, and the fastest of the others if that is faster
// by half or more.
func LinkOf(h Host, name string, others []string) Link {
	l := Link{Name: name, MTU: h.ofLink(name, "mtu"), Speed: h.ofLink(name, "speed")}
	for _, other := range others {
		speed := h.ofLink(other, "speed")
		if other != name && l.Speed > 0 && 2*speed >= 3*l.Speed && (l.Faster == nil || speed > l.Faster.Speed) {
			l.Faster = &Link{Name: other, Speed: speed}
		}
	}
	return l
}

// ofLink reads a number that the kernel has of an interface, its speed in Mb/s
// say; 0 where it tells none, as for the speed of virtual ones.
func (h Host) ofLink(iface, name string) int {
	const unknown = 1<<32 - 1 // some drivers' -1
	if n := h.number(path.Join("/sys/class/net", iface, name)); n < unknown {
		return int(n)
	}
	return 0
}
