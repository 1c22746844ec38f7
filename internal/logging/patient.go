package logging

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	stallLimit = 500  // milliseconds that a line waits for a pipe that nobody reads
	chunk      = 4096 // PIPE_BUF: poll(2) says that a pipe takes so much at once
)

// Patient is a writer to a file that waits for a slow reader, but not for ever:
// where nothing is read, lines are lost, so that nothing else waits for them.
// Once one was lost, the next ones are lost at once until there is room again.
type Patient struct {
	file *os.File
	mu   sync.Mutex
	gone bool // the last line was lost
}

// NewPatient returns a Patient that writes to file.
func NewPatient(file *os.File) *Patient { return &Patient{file: file} }

// Write writes p, or what of it there is room for, and reports success.
func (w *Patient) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		if w.gone = !w.room(); w.gone {
			break
		}
		n, err := w.file.Write(rest[:min(len(rest), chunk)])
		if err != nil {
			return len(p) - len(rest) + n, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

func (w *Patient) room() bool {
	limit := stallLimit
	if w.gone {
		limit = 0
	}
	fds := []unix.PollFd{{Fd: int32(w.file.Fd()), Events: unix.POLLOUT}}
	for {
		n, err := unix.Poll(fds, limit)
		if err != unix.EINTR {
			return err != nil || n > 0 // an error is for the writing to tell
		}
	}
}
