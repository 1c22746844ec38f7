package status

import (
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// pageName is the memory file's: /proc shows it as /memfd:syminit-status.
const pageName = "syminit-status"

// A page is the descriptor of a memory file that holds a state. Each state is a
// file of its own that takes the place of the one before, so whoever opens it
// gets a whole one.
type page int

const noPage page = -1

func (p *page) write(s *State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	fd, err := unix.MemfdCreate(pageName, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(pageName, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return fmt.Errorf("make a memory file: %w", err)
	}
	if _, err := unix.Write(fd, text); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("write to a memory file: %w", err)
	}
	if *p == noPage {
		*p = page(fd)
		return nil
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Dup3(fd, int(*p), unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("replace a memory file: %w", err)
	}
	return nil
}

func (p *page) remove() {
	if *p != noPage {
		_ = unix.Close(int(*p))
		*p = noPage
	}
}
