package status

import (
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// pageName is the memory file's: /proc shows it as /memfd:syminit-status.
const pageName = "syminit-status"

// A page is the descriptor of a memory file that holds a state.
type page int

const noPage page = -1

// write puts a new file in the place of the one before. That one is never
// changed, so whoever has opened it reads a whole state however long that takes,
// and however long this process is kept from going on.
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
		return errors.Join(fmt.Errorf("write to a memory file: %w", err), unix.Close(fd))
	}
	if *p == noPage {
		*p = page(fd)
		return nil
	}
	err = unix.Dup3(fd, int(*p), unix.O_CLOEXEC)
	if err := errors.Join(err, unix.Close(fd)); err != nil {
		return fmt.Errorf("replace a memory file: %w", err)
	}
	return nil
}

// parse reports whether the file held a whole state: one that is still being
// written doesn't.
func (s *State) parse(file []byte) bool { return json.Unmarshal(file, s) == nil }

func (p *page) remove() {
	if *p != noPage {
		_ = unix.Close(int(*p))
		*p = noPage
	}
}
