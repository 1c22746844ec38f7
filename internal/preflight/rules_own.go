package preflight

import (
	"fmt"
	"strconv"
	"strings"
)

// Sizes, in bytes.
const (
	mib = 1 << 20
	gib = 1 << 30
)

// What is needed. docs/preflight.md has the table.
const (
	// Ray's smallest object store (OBJECT_STORE_MINIMUM_MEMORY_BYTES in Ray 2.60's
	// ray_constants.py). Docker's and Podman's 64 MB are less.
	leastShm = 75 * mib
	// What NCCL's documentation gives a container that has GPUs
	// (docs.nvidia.com/deeplearning/nccl, Troubleshooting, Shared memory).
	gpuShm = 1 * gib
	// The part of memory that Ray gives its object store, in percent
	// (DEFAULT_OBJECT_STORE_MEMORY_PROPORTION in ray_constants.py).
	objectStorePercent = 30
	// Below leastFiles Ray warns, and asks for wantedFiles (_private/worker.py in
	// 2.60). vLLM raises its limit to vllmFiles if it may (set_ulimit).
	leastFiles  = 4096
	wantedFiles = 8192
	vllmFiles   = 65535
	// Of memory and of a disk, in percent: Ray kills tasks and stops spilling when
	// less is free (RAY_memory_usage_threshold and RAY_local_fs_capacity_threshold
	// are 0.95).
	leastFreePercent = 5
	// vLLM without a model worth the name takes 3.2 GB (measured, 0.32 on CPU).
	vllmMemory = 4 * gib
	// Room for a model that is still to be fetched: a small one. For vLLM's own
	// cache, of compiled graphs: what one model takes.
	hubRoom   = 10 * gib
	cacheRoom = 1 * gib
	// slowLink is a link below which nodes wait for each other, in Mb/s.
	slowLink = 10_000
)

// Of /dev/shm and of Ray's folder.
const (
	fixShm     = "run with --shm-size=16g or --ipc=host"
	fixShmFull = "remove what fills it (ls -l /dev/shm), or " + fixShm
	fixTemp    = "mount a tmpfs there (--tmpfs /tmp), or set RAY_TMPDIR and TMPDIR, and Ray's --temp-dir where that is given, to a folder that can be written"
)

func (j *judge) unfinished() {
	for _, what := range j.node.Facts.Unfinished {
		j.say(Warning, "the checks", fmt.Sprintf("%s: no answer within %s", what, j.Deadline), "look at this node's mounts: does a network file system hang?")
	}
}

// shm goes by what is free, as Ray does (get_shared_memory_bytes in its
// _private/utils.py).
func (j *judge) shm() {
	f := j.node.Facts
	size, free := f.Shm.Total, f.Shm.Free
	text, fix := bytesText(size), fixShm
	if bytesText(free) != text {
		text, fix = bytesText(free)+" of "+text+" free", fixShmFull
	}
	severity := Warning
	if j.Ray || j.VLLM || len(f.GPUs) > 0 {
		severity = Error
	}
	switch {
	case size == 0:
	case free < leastShm:
		j.say(severity, "/dev/shm", text+", too little for Ray, NCCL and vLLM", fix)
	case free < gpuShm && len(f.GPUs) > 0:
		j.say(Warning, "/dev/shm", text+", little for NCCL", fix)
	case j.Ray && free < f.Memory.Total/100*objectStorePercent:
		j.say(Note, "/dev/shm", text+", less than Ray's object store wants, which then is in /tmp and slower", fix)
	}
}

func (j *judge) noFile() {
	n := j.node.Facts.NoFile
	text := strconv.FormatUint(n, 10) + " open files at most"
	const fix = "run with --ulimit nofile=1048576:1048576"
	switch {
	case n == 0:
	case n < leastFiles:
		j.say(Error, "nofile", text, fix)
	case n < wantedFiles:
		j.say(Warning, "nofile", text, fix)
	case n < vllmFiles && j.VLLM:
		j.say(Note, "nofile", text+", and vLLM wants "+strconv.Itoa(vllmFiles), fix)
	}
}

// memLock matters where RDMA is used, which locks what it sends from.
func (j *judge) memLock() {
	f := j.node.Facts
	if f.MemLock == 0 || f.MemLock == Unlimited || f.IPCLock || !f.RDMA.Usable || f.RDMA.Active == 0 {
		return
	}
	j.say(Warning, "memlock", bytesText(f.MemLock)+" of locked memory at most, and InfiniBand needs more", "run with --ulimit memlock=-1 or --cap-add=IPC_LOCK")
}

func (j *judge) memory() {
	m := j.node.Facts.Memory
	text := fmt.Sprintf("%s of %s free", bytesText(m.Free), bytesText(m.Total))
	const fix = "give the container more memory, or end what else uses it"
	switch {
	case m.Total == 0:
	case j.Ray && m.Free < m.Total/100*leastFreePercent:
		j.say(Warning, "memory", text+": Ray kills tasks when less than 5 % is", fix)
	case j.VLLM && m.Free < vllmMemory:
		j.say(Warning, "memory", text+", little for vLLM", fix)
	}
}

func (j *judge) disks() {
	f := j.node.Facts
	for _, d := range f.Disks {
		text := fmt.Sprintf("%s free under %s", bytesText(d.Space.Free), d.Path)
		switch {
		case d.For == DiskTemp && j.Ray && d.Denied != "":
			j.say(Error, "disk", d.Path+", where Ray writes, can't be written: "+d.Denied, fixTemp)
		case d.Space.Total == 0:
		case d.For == DiskTemp && j.Ray && d.Space.Free < d.Space.Total/100*leastFreePercent:
			j.say(Warning, "disk", text+", less than 5 %: Ray keeps no more objects there", "make room there, or set RAY_TMPDIR, or Ray's --temp-dir where that is given")
		case d.For == DiskHub && j.VLLM && j.fetches(d) && d.Space.Free < hubRoom:
			j.say(Warning, "disk", text+", and the model is still to be fetched", "make room there, or set HF_HOME to a larger disk")
		case d.For == DiskVLLM && j.VLLM && d.Space.Free < cacheRoom:
			j.say(Warning, "disk", text, "make room there, or set VLLM_CACHE_ROOT to a larger disk")
		}
	}
}

// fetches reports whether the model has to come from the network.
func (j *judge) fetches(d Disk) bool {
	m := j.node.Facts.Model
	return m.Path != "" && !m.Present && !d.Holds
}

func (j *judge) ports() {
	for _, p := range j.node.Facts.Taken {
		j.say(Error, "ports", fmt.Sprintf("port %d is taken, which %s needs", p.Number, p.For), "end what has it (ss -ltnp), or set another port")
	}
}

func (j *judge) hiddenGPUs() {
	if n := j.node.Facts.HiddenGPUs; n > 0 {
		j.say(Warning, "GPUs", fmt.Sprintf("the host has %d, and this container none of them", n), "run with --gpus all (Podman: --device nvidia.com/gpu=all)")
	}
}

func (j *judge) missingGPU() {
	if id := j.node.Facts.MissingGPU; id != "" {
		j.say(Warning, "GPUs", fmt.Sprintf("CUDA_VISIBLE_DEVICES names %s, and this node has no such GPU: CUDA ignores it and what follows", id),
			"a container counts its own GPUs, from 0: leave CUDA_VISIBLE_DEVICES away, or set it to those numbers")
	}
}

func (j *judge) rdma() {
	f := j.node.Facts
	if f.RDMA.Active > 0 && !f.RDMA.Usable && len(f.GPUs) > 0 {
		j.say(Warning, "InfiniBand", fmt.Sprintf("the host has %d active devices, and this container no /dev/infiniband: NCCL goes over TCP", f.RDMA.Active),
			"run with --device=/dev/infiniband --cap-add=IPC_LOCK")
	}
}

func (j *judge) faster() {
	l := j.node.Facts.Link
	if l.Faster == nil || l.Speed >= slowLink {
		return
	}
	severity := Warning
	if j.node.Facts.RDMA.Usable && j.node.Facts.RDMA.Active > 0 {
		severity = Note // NCCL finds those devices by itself
	}
	j.say(severity, "network", fmt.Sprintf("%s has %s, and %s has %s", l.Name, speedText(l.Speed), l.Faster.Name, speedText(l.Faster.Speed)),
		"if the nodes reach each other there too: SYMINIT_INTERFACE="+l.Faster.Name+", and SYMINIT_HEAD the head's address there")
}

func bytesText(n uint64) string {
	for _, unit := range []struct {
		size uint64
		name string
	}{{1 << 40, "TiB"}, {gib, "GiB"}, {mib, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.size {
			text := strconv.FormatFloat(float64(n)/float64(unit.size), 'f', 1, 64)
			return strings.TrimSuffix(text, ".0") + " " + unit.name
		}
	}
	return strconv.FormatUint(n, 10) + " B"
}

func speedText(megabits int) string {
	if megabits >= 1000 {
		return strings.TrimSuffix(strconv.FormatFloat(float64(megabits)/1000, 'f', 1, 64), ".0") + " Gb/s"
	}
	return strconv.Itoa(megabits) + " Mb/s"
}
