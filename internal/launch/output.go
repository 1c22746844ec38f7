package launch

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxLine is the longest line that is kept in one piece, in bytes.
	maxLine = 8 << 10
	// stalled is how long finish waits for whoever reads syminit's own output to
	// take one more piece.
	stalled = 500 * time.Millisecond
)

// output reads what a process prints, line by line, and keeps the last lines.
type output struct {
	line    func(string) // is called with every line
	pipes   []*os.File
	sources []io.Reader // the same, with what is done with each byte
	readers sync.WaitGroup
	pieces  atomic.Int64 // how many have been read, and handed on

	mu   sync.Mutex
	ring []string // the last lines; next is the oldest once all are used
	next int
	size int
}

func newOutput(size int, line func(string)) *output { return &output{size: size, line: line} }

// pipe returns a descriptor to give to a process, whose other end is read. What
// comes through it goes on to where, unless that is nil, byte for byte and at
// once; if it can't, the process finds its pipe broken.
func (o *output) pipe(where io.Writer) (*os.File, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	var source io.Reader = &untilDeadline{File: reader}
	if where != nil {
		source = io.TeeReader(source, where)
	}
	o.readers.Add(1) // now: finish may come before read
	o.pipes, o.sources = append(o.pipes, reader), append(o.sources, source)
	return writer, nil
}

// read begins to collect lines, until no process has the other ends open, or
// finish was called and nothing more is there to be read.
func (o *output) read() {
	for i, pipe := range o.pipes {
		go func() {
			defer o.readers.Done()
			defer func() { _ = pipe.Close() }()
			o.collect(bufio.NewReaderSize(o.sources[i], maxLine))
		}()
	}
}

func (o *output) collect(lines *bufio.Reader) {
	for {
		line, err := lines.ReadSlice('\n')
		o.pieces.Add(1)
		if len(line) > 0 {
			o.add(shown(line))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// shown is what a terminal would show of a line: a progress bar's last state.
func shown(line []byte) string {
	line = bytes.TrimRight(line, "\r\n")
	return string(line[bytes.LastIndexByte(line, '\r')+1:])
}

// finish makes reading come to its end, after what has been printed so far, and
// waits for it: not for another process that has the other end open, and might
// for ever, nor for somebody who has stopped taking what syminit prints.
func (o *output) finish() {
	for _, pipe := range o.pipes {
		_ = pipe.SetReadDeadline(time.Now())
	}
	finished := make(chan struct{})
	go func() { o.readers.Wait(); close(finished) }()
	tick := time.NewTicker(stalled)
	defer tick.Stop()
	for last := int64(-1); ; {
		select {
		case <-finished:
			return
		case <-tick.C:
		}
		now := o.pieces.Load()
		if now == last {
			return
		}
		last = now
	}
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
// pipe holds at that moment, and then ends.
type untilDeadline struct {
	*os.File
	left int // to be read after the deadline
	over bool
}

func (u *untilDeadline) Read(b []byte) (int, error) {
	n, err := u.File.Read(b)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, io.EOF
	}
	// The descriptor is in non-blocking mode: an empty pipe is an error here.
	if cerr := raw.Control(func(fd uintptr) {
		if !u.over {
			u.over = true
			u.left, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		}
		n, err = syscall.Read(int(fd), b[:min(len(b), u.left)])
	}); cerr != nil || err != nil || n <= 0 {
		return 0, io.EOF
	}
	u.left -= n
	return n, nil
}
