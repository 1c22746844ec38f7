package conformance

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal, on which nothing waits for longer than
// the patience lasts.
func (t *Trial) openTerminal() (master, slave *os.File) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	t.must("open /dev/ptmx", err)
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.cleanup(func() { _ = master.Close() })
	t.must("set a deadline", master.SetDeadline(time.Now().Add(t.Patience)))
	t.must("unlock the terminal", unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		t.Fatalf("open the terminal: %v", errno)
	}
	t.resize(master, 24, 80)
	return master, os.NewFile(peer, "terminal")
}

func (t *Trial) resize(master *os.File, rows, columns uint16) {
	t.control(master, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	})
}

// foreground is the process group that has the terminal.
func (r *run) foreground() (group int) {
	r.t.control(r.master, func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return group
}

// control runs f on a file's descriptor, which Fd would make blocking.
func (t *Trial) control(file *os.File, f func(fd int) error) {
	conn, err := file.SyscallConn()
	t.must("use the terminal", err)
	var failed error
	t.must("use the terminal", conn.Control(func(fd uintptr) { failed = f(int(fd)) }))
	t.must("use the terminal", failed)
}
