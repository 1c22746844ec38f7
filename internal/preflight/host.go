package preflight

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Host is what a survey looks at.
type Host struct {
	Root   fs.FS                                             // the file system from / on
	Space  func(path string) (Space, error)                  // of the file system that holds a path
	Write  func(path string) error                           // whether this process may write in a folder
	Limit  func(resource int) (hard uint64)                  // of this process; 0: not known
	Taken  func(port uint16) (taken bool)                    // something else listens there
	Barred func(ctx context.Context, at netip.AddrPort) bool // another host's port gives no answer
	Env    func(variable string) (string, bool)              // of the job
	Abs    func(path string) (abs string, _ bool)            // from the job's working directory
}

// Local is this host, with the environment that the job gets.
func Local(environ []string) Host {
	return Host{
		Root: os.DirFS("/"), Space: space, Write: write, Limit: limit, Taken: taken, Barred: barredTo(new(net.Dialer).DialContext),
		Env: func(variable string) (string, bool) {
			for _, entry := range environ { // the first holds, as for getenv(3)
				if name, value, _ := strings.Cut(entry, "="); name == variable {
					return value, true
				}
			}
			return "", false
		},
		Abs: func(p string) (string, bool) {
			if path.IsAbs(p) {
				return path.Clean(p), true
			}
			wd, err := os.Getwd()
			return path.Join(wd, p), err == nil
		},
	}
}

func space(path string) (Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Space{}, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	block := uint64(s.Frsize)
	return Space{Total: s.Blocks * block, Free: s.Bavail * block}, nil
}

func write(path string) error { return unix.Access(path, unix.W_OK|unix.X_OK) }

func limit(resource int) uint64 {
	var l unix.Rlimit
	if unix.Getrlimit(resource, &l) != nil {
		return 0
	}
	return l.Max
}

func taken(port uint16) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(int(port))))
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	_ = l.Close()
	return false
}

// barredAfter is how long a port may take to answer. The kernel asks a second
// time after 1 s, so that one lost packet doesn't count.
const barredAfter = 2500 * time.Millisecond

// barredTo is for a host that answers at another port already: it would accept or
// refuse, and what lies between says that the port can't be reached, or nothing
// does. To say so takes all of the time, so that a second look is at another
// moment. What keeps this host from asking says nothing of the port.
func barredTo(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, netip.AddrPort) bool {
	return func(ctx context.Context, at netip.AddrPort) bool {
		look, done := context.WithTimeout(ctx, barredAfter)
		defer done()
		conn, err := dial(look, "tcp", at.String())
		if err == nil {
			_ = conn.Close()
			return false
		}
		if !unreachable(err) {
			return false
		}
		<-look.Done()
		return ctx.Err() == nil
	}
}

// unreachable reports whether nothing has answered, or a router or firewall has in
// the host's place.
func unreachable(err error) bool {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return true
	}
	for _, said := range []syscall.Errno{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, said) {
			return true
		}
	}
	return false
}

// read returns a small file's text, less the white space around it; "" if there
// is none.
func (h Host) read(name string) string {
	text, err := fs.ReadFile(h.Root, rooted(name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// number reads a file that has one number; 0 if it has none.
func (h Host) number(name string) uint64 {
	n, err := strconv.ParseUint(h.read(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// glob lists what matches a pattern from / on.
func (h Host) glob(pattern string) []string {
	found, _ := fs.Glob(h.Root, rooted(pattern)) // the patterns are well-formed
	return found
}

func (h Host) exists(name string) bool {
	_, err := fs.Stat(h.Root, rooted(name))
	return err == nil
}

// rooted is an absolute path as package fs wants it.
func rooted(name string) string {
	if name = strings.TrimPrefix(path.Clean(name), "/"); name == "" {
		return "."
	}
	return name
}

// field returns what stands behind a name and its colon in a file's text.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
