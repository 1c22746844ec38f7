package pid1

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxPacket bounds a message, in bytes; a longer packet is cut by the kernel
// and then no valid message.
const maxPacket = 4096

// message is one packet on the link; it carries one of its fields. Fields that
// the receiver does not know are ignored.
type message struct {
	Signal  syscall.Signal `json:"signal,omitempty"`  // to the agent: the supervisor got this signal
	Suspend bool           `json:"suspend,omitempty"` // to the supervisor: stop until a CONT comes
	Outcome *outcome       `json:"outcome,omitempty"` // to the supervisor: how it all ended
}

type outcome struct {
	Code  int           `json:"code"`     // exit code, 0 to 255
	Grace time.Duration `json:"grace_ns"` // between TERM and KILL for what is left
	Wait  bool          `json:"wait"`     // until nothing is left, or TERM or INT comes
}

func (o outcome) check() error {
	if o.Code < 0 || o.Code > 255 {
		return fmt.Errorf("exit code %d: want 0 to 255", o.Code)
	}
	return nil
}

func decode(packet []byte) (message, error) {
	var m message
	if err := json.Unmarshal(packet, &m); err != nil {
		return message{}, fmt.Errorf("read a message of %d bytes: %w", len(packet), err)
	}
	if m.Outcome != nil {
		if err := m.Outcome.check(); err != nil {
			return message{}, err
		}
	}
	return m, nil
}

// conn is one end of the link: a SOCK_SEQPACKET socket, so that a message
// arrives whole or not at all, and a dead peer is the end of the stream.
type conn struct{ file *os.File }

// send waits while the peer's buffer is full.
func (c conn) send(m message) error {
	packet, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write a message: %w", err)
	}
	_, err = c.file.Write(packet)
	return err
}

// receive returns io.EOF when the peer is gone and all it sent has been read.
func (c conn) receive() (message, error) {
	packet := make([]byte, maxPacket)
	n, err := c.file.Read(packet)
	for errors.Is(err, unix.ECONNRESET) {
		// The peer left messages of ours unread. The kernel tells that once,
		// and before it hands out what the peer itself sent last.
		n, err = c.file.Read(packet)
	}
	if err != nil {
		return message{}, err
	}
	return decode(packet[:n])
}
