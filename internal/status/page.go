package status

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"golang.org/x/sys/unix"
)

// pageName is the memory file's: /proc shows it as /memfd:syminit-status.
const pageName = "syminit-status"

// pageHead is the size of what comes before the state: how long that is, and
// its checksum, 4 bytes each. A reader may come in the middle of a write.
const pageHead = 8

// A page is the descriptor of a memory file that holds a state.
type page int

const noPage page = -1

func (p *page) write(s *State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	if *p == noPage {
		fd, err := unix.MemfdCreate(pageName, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
		if errors.Is(err, unix.EINVAL) { // before Linux 6.3
			fd, err = unix.MemfdCreate(pageName, unix.MFD_CLOEXEC)
		}
		if err != nil {
			return fmt.Errorf("make a memory file: %w", err)
		}
		*p = page(fd)
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	head = binary.BigEndian.AppendUint32(head, crc32.ChecksumIEEE(text))
	if _, err := unix.Pwrite(int(*p), append(head, text...), 0); err != nil {
		return fmt.Errorf("write to a memory file: %w", err)
	}
	return nil
}

// parse reports whether the file held a whole state.
func (s *State) parse(file []byte) bool {
	if len(file) < pageHead {
		return false
	}
	size, sum, text := binary.BigEndian.Uint32(file), binary.BigEndian.Uint32(file[4:]), file[pageHead:]
	if int64(size) > int64(len(text)) || crc32.ChecksumIEEE(text[:size]) != sum {
		return false
	}
	return json.Unmarshal(text[:size], s) == nil
}

func (p *page) remove() {
	if *p != noPage {
		_ = unix.Close(int(*p))
		*p = noPage
	}
}
