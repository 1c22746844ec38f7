package launch

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// maxLine is the longest line that is kept in one piece, in bytes.
const maxLine = 8 << 10

// output reads what a process prints, line by line, and keeps the last lines.
type output struct {
	pipe *os.File
	line func(string) // is called with every line
	done chan struct{}

	mu   sync.Mutex
	ring []string // the last lines; next is the oldest once all are used
	next int
	size int
}

// newOutput returns the descriptor to give to a process, and what reads the
// other end of it.
func newOutput(size int, line func(string)) (*output, *os.File, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &output{pipe: reader, line: line, done: make(chan struct{}), size: size}, writer, nil
}

// read collects lines until no process has the other end open, or finish was
// called and nothing more is there to be read.
func (o *output) read() {
	defer close(o.done)
	defer func() { _ = o.pipe.Close() }()
	lines := bufio.NewReaderSize(untilDeadline{o.pipe}, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			o.add(string(bytes.TrimRight(line, "\r\n")))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// finish makes read come to its end, after what has been printed so far, and
// waits for it. Another process that has the other end open, and might for
// ever, is not waited for.
func (o *output) finish() {
	_ = o.pipe.SetReadDeadline(time.Now())
	<-o.done
}

func (o *output) add(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ring) < o.size {
		o.ring = append(o.ring, line)
	} else {
		o.ring[o.next] = line
		o.next = (o.next + 1) % o.size
	}
	o.line(line)
}

// tail returns the last lines, oldest first.
func (o *output) tail() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append(append([]string(nil), o.ring[o.next:]...), o.ring[:o.next]...)
}

// untilDeadline reads a pipe; once its deadline has passed, it reads what the
// pipe still holds, and then ends.
type untilDeadline struct{ *os.File }

func (u untilDeadline) Read(b []byte) (int, error) {
	n, err := u.File.Read(b)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, io.EOF
	}
	// The descriptor is in non-blocking mode: an empty pipe is an error here.
	if cerr := raw.Control(func(fd uintptr) { n, err = syscall.Read(int(fd), b) }); cerr != nil || err != nil || n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
