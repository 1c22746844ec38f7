package faults

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// weather is what a link does to packets. It is made here and not by tc, for
// not every kernel has netem.
type weather struct {
	loss     float64
	twice    float64       // part of them that come two times
	delay    time.Duration // each way
	disorder time.Duration // by how much more one packet may be late than the next
}

// link carries packets between two network namespaces.
type link struct{ weather atomic.Pointer[weather] }

// plug is an end of a link: an interface that is still to be made.
type plug struct{ namespace, name string }

// connect makes two interfaces, and the link between them.
func connect(t *testing.T, near, far plug) *link {
	t.Helper()
	l := new(link)
	l.weather.Store(new(weather))
	a, b := tap(t, near), tap(t, far)
	go l.carry(a, b)
	go l.carry(b, a)
	return l
}

// carry ends when an interface is closed.
func (l *link) carry(from, to *os.File) {
	packet := make([]byte, 2048)
	for {
		n, err := from.Read(packet)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil: // the interface is down
			runtime.Gosched()
			continue
		}
		w := l.weather.Load()
		if rand.Float64() < w.loss {
			continue
		}
		times := 1
		if rand.Float64() < w.twice {
			times = 2
		}
		for range times {
			late := w.delay
			if w.disorder > 0 {
				late += rand.N(w.disorder)
			}
			if late == 0 {
				_, _ = to.Write(packet[:n])
				continue
			}
			copied := append([]byte(nil), packet[:n]...)
			time.AfterFunc(late, func() { _, _ = to.Write(copied) })
		}
	}
}

// tap makes an interface whose packets are read and written here.
func tap(t *testing.T, p plug) *os.File {
	t.Helper()
	type made struct {
		fd  int
		err error
	}
	done := make(chan made)
	go func() {
		runtime.LockOSThread()
		fd, err := tapHere(p)
		done <- made{fd, err}
	}()
	m := <-done
	if m.err != nil {
		t.Fatalf("interface %s in namespace %s: %v", p.name, p.namespace, m.err)
	}
	f := os.NewFile(uintptr(m.fd), p.name)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func tapHere(p plug) (int, error) {
	ns, err := netns.GetFromName(p.namespace)
	if err != nil {
		return 0, err
	}
	defer func() { _ = ns.Close() }()
	own, err := netns.Get()
	if err != nil {
		return 0, err
	}
	defer func() { _ = own.Close() }()
	if err := netns.Set(ns); err != nil {
		return 0, err
	}
	// Locked for good, the thread ends with its goroutine, but not if it is the first:
	// that is the whole process to those who look.
	defer func() { _ = netns.Set(own) }()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	request, err := unix.NewIfreq(p.name)
	if err != nil {
		return 0, err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	return fd, unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
}
