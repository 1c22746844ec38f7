package preflight

import (
	"context"
	"io/fs"
	"net/netip"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// files is a root file system: path → text.
func files(texts map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range texts {
		root[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

// fake is a host with nothing but files, and room at /.
func fake(texts map[string]string) Host {
	return Host{
		Root: files(texts),
		Space: func(path string) (Space, error) {
			if path != "/" && path != "/dev/shm" {
				return Space{}, fs.ErrNotExist
			}
			return Space{Total: 100 * gib, Free: 50 * gib}, nil
		},
		Write: func(path string) error {
			if path != "/" {
				return fs.ErrNotExist
			}
			return nil
		},
		Limit: func(resource int) uint64 {
			return map[int]uint64{unix.RLIMIT_NOFILE: 1 << 20, unix.RLIMIT_MEMLOCK: 64 << 10}[resource]
		},
		Taken:  func(uint16) bool { return false },
		Barred: func(context.Context, netip.AddrPort) bool { return false },
		Env:    func(string) (string, bool) { return "", false },
		Abs:    func(p string) (string, bool) { return path.Join("/work", p), true },
	}
}

// survey looks at a host.
func survey(t *testing.T, h Host, r Request) Facts {
	t.Helper()
	f := Survey(t.Context(), h, r)
	if len(f.Unfinished) > 0 {
		t.Errorf("unfinished: %v", f.Unfinished)
	}
	return f
}
