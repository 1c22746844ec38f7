package pid1

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"
)

// message is one packet on the link; it carries one of its fields.
//
//	'S' number                          to the agent: the supervisor got this signal
//	'Z'                                 to the supervisor: stop until a CONT comes
//	'W' grace (8 bytes, LE)             to the supervisor: end what is left of a run, for another follows
//	'D'                                 to the agent: that is done
//	'L' level, text                     to the supervisor: the log's line that has the end and its cause
//	'O' code, wait, grace (8 bytes, LE) to the supervisor: how it all ended
//
// Both ends are the same binary, so there are no versions. It is no JSON because
// that costs a tenth of a millisecond in each process.
type message struct {
	signal  syscall.Signal
	suspend bool
	sweep   *sweepOrder
	swept   bool
	last    *lastLine
	outcome *outcome
}

// Lengths in bytes: of a packet with an outcome, and of the longest text in one.
const (
	outcomeSize = 11
	maxLast     = 2048
)

type lastLine struct {
	level zapcore.Level
	text  string
}

type sweepOrder struct {
	grace time.Duration // between TERM and KILL; not negative
}

type outcome struct {
	Code  int           // exit code, 0 to 255
	Grace time.Duration // between TERM and KILL for what is left; not negative
	Wait  bool          // until nothing is left, or TERM or INT comes
}

func (o outcome) check() error {
	switch {
	case o.Code < 0 || o.Code > 255:
		return fmt.Errorf("exit code %d: want 0 to 255", o.Code)
	case o.Grace < 0:
		return fmt.Errorf("grace %v: want 0 or more", o.Grace)
	}
	return nil
}

func (m message) encode() []byte {
	switch {
	case m.outcome != nil:
		packet := []byte{'O', byte(m.outcome.Code), 0}
		if m.outcome.Wait {
			packet[2] = 1
		}
		return binary.LittleEndian.AppendUint64(packet, uint64(m.outcome.Grace))
	case m.last != nil:
		return append([]byte{'L', byte(m.last.level)}, m.last.text[:min(len(m.last.text), maxLast)]...)
	case m.suspend:
		return []byte{'Z'}
	case m.sweep != nil:
		return binary.LittleEndian.AppendUint64([]byte{'W'}, uint64(m.sweep.grace))
	case m.swept:
		return []byte{'D'}
	}
	return []byte{'S', byte(m.signal)}
}

func decode(packet []byte) (message, error) {
	switch {
	case len(packet) == 2 && packet[0] == 'S' && packet[1] >= 1 && packet[1] <= 64:
		return message{signal: syscall.Signal(packet[1])}, nil
	case len(packet) == 1 && packet[0] == 'Z':
		return message{suspend: true}, nil
	case len(packet) == 9 && packet[0] == 'W':
		grace := time.Duration(binary.LittleEndian.Uint64(packet[1:]))
		if grace < 0 {
			return message{}, fmt.Errorf("grace %v: want 0 or more", grace)
		}
		return message{sweep: &sweepOrder{grace: grace}}, nil
	case len(packet) >= 2 && len(packet) <= 2+maxLast && packet[0] == 'L':
		// A higher level would end the process that writes it.
		if level := zapcore.Level(packet[1]); level >= zapcore.DebugLevel && level <= zapcore.ErrorLevel {
			return message{last: &lastLine{level: level, text: string(packet[2:])}}, nil
		}
	case len(packet) == 1 && packet[0] == 'D':
		return message{swept: true}, nil
	case len(packet) == outcomeSize && packet[0] == 'O' && packet[2] <= 1:
		o := outcome{Code: int(packet[1]), Wait: packet[2] == 1, Grace: time.Duration(binary.LittleEndian.Uint64(packet[3:]))}
		if err := o.check(); err != nil {
			return message{}, err
		}
		return message{outcome: &o}, nil
	}
	return message{}, fmt.Errorf("%d bytes that are no message", len(packet))
}

// conn is one end of the link: a SOCK_SEQPACKET socket, so that a message
// arrives whole or not at all, and a dead peer is the end of the stream. It
// blocks: that is quicker than to go through the runtime's poller.
type conn struct{ fd int }

// send waits while the peer's buffer is full.
func (c conn) send(m message) error {
	for {
		// A peer that is gone is an error and no SIGPIPE.
		err := unix.Send(c.fd, m.encode(), unix.MSG_NOSIGNAL)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// receive returns io.EOF when the peer is gone and all it sent has been read.
func (c conn) receive() (message, error) {
	packet := make([]byte, 2+maxLast+1)
	for {
		n, err := unix.Read(c.fd, packet)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ECONNRESET):
			// The peer left messages of ours unread. The kernel tells that once,
			// and before it hands out what the peer itself sent last.
		case err != nil:
			return message{}, err
		case n == 0:
			return message{}, io.EOF
		default:
			return decode(packet[:n])
		}
	}
}

// stop ends the sending in both directions. What was sent can still be read.
func (c conn) stop() { _ = unix.Shutdown(c.fd, unix.SHUT_RDWR) }
