package preflight

import (
	"context"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Request says what the run is, for what there is to find out.
type Request struct {
	Versions map[string]string // of software that somebody has found out already
	Model    string            // as the command names it; "": none
	RayTemp  string            // Ray's folder, as its options name it; "": its default
}

// A look finds out one thing, and returns what notes it down.
type look struct {
	name string
	at   func(Host, Request) func(*Facts)
}

// looks are all of them. Each may hang, on a network's file system say, and
// holds up no other.
var looks = []look{
	{"/dev/shm", lookAtShm},
	{"limits", lookAtLimits},
	{"memory", lookAtMemory},
	{"the disk under the caches", lookAtDisks},
	{"GPUs", lookAtGPUs},
	{"InfiniBand", lookAtRDMA},
	{"the model", lookAtModel},
}

// Survey finds out what there is to know of this node without the other nodes,
// all at once, and returns when ctx ends at the latest: what has not answered by
// then is among Unfinished.
func Survey(ctx context.Context, h Host, r Request) Facts {
	type answer struct {
		name string
		note func(*Facts)
	}
	answers := make(chan answer, len(looks))
	var f Facts
	for _, l := range looks {
		f.Unfinished = append(f.Unfinished, l.name)
		go func() { answers <- answer{l.name, l.at(h, r)} }()
	}
	f.Versions = r.Versions
	for len(f.Unfinished) > 0 {
		select {
		case a := <-answers:
			a.note(&f)
			f.Unfinished = slices.DeleteFunc(f.Unfinished, func(name string) bool { return name == a.name })
		case <-ctx.Done():
			return f
		}
	}
	return f
}

func lookAtShm(h Host, _ Request) func(*Facts) {
	shm, err := h.Space("/dev/shm")
	if err != nil {
		shm = Space{}
	}
	return func(f *Facts) { f.Shm = shm }
}

func lookAtLimits(h Host, _ Request) func(*Facts) {
	files, locked, may := h.Limit(unix.RLIMIT_NOFILE), h.Limit(unix.RLIMIT_MEMLOCK), h.capable(unix.CAP_IPC_LOCK)
	return func(f *Facts) { f.NoFile, f.MemLock, f.IPCLock = files, locked, may }
}

// Barred returns those of another host's ports that something on the way there
// doesn't let through.
func Barred(ctx context.Context, h Host, host netip.Addr, ports []Port) []Port {
	return slices.DeleteFunc(slices.Clone(ports), func(p Port) bool { return !h.Barred(ctx, netip.AddrPortFrom(host, p.Number)) })
}

// Ports returns those of the ports that something else has.
func Ports(h Host, ports []Port) []Port {
	return slices.DeleteFunc(slices.Clone(ports), func(p Port) bool { return !h.Taken(p.Number) })
}
