package launch

import (
	"os"
	"sync"
)

// hold is what keeps a process from going on: it waits for a line from the
// other end of this pipe.
type hold struct {
	pipe *os.File
	once sync.Once
}

// keep returns the standard input of a process that is held.
func (p *Process) keep() (stdin *os.File, err error) {
	stdin, pipe, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.hold = &hold{pipe: pipe}
	return stdin, nil
}

// Release lets a process go on that was started as Command.Held. Elsewhere, and
// a second time, it does nothing.
func (p *Process) Release() {
	if p.hold == nil {
		return
	}
	p.hold.once.Do(func() {
		_, _ = p.hold.pipe.WriteString("go on\n") // fails where the process has ended
		_ = p.hold.pipe.Close()
	})
}
