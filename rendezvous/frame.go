package rendezvous

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

const (
	frameHead = 4        // bytes of a frame's length
	maxFrame  = 1 << 20  // bytes of JSON in a frame
	maxJoin   = 64 << 10 // the same, of a worker that has not been taken in
)

// readFrame reads one frame's body. The length is checked before anything is
// allocated for it.
func readFrame(r io.Reader, limit uint32) ([]byte, error) {
	var size [frameHead]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n == 0 || n > limit {
		return nil, nonsense(fmt.Sprintf("a frame of %d bytes, accepted are 1 to %d", n, limit))
	}
	body := make([]byte, n)
	_, err := io.ReadFull(r, body)
	return body, err
}

// bare is the frame of a message that is nothing but its type.
func bare(k kind) []byte {
	body := `{"type":"` + string(k) + `"}`
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// encode makes the frame of a message, length and all.
func encode(m message) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", m.Type, err)
	}
	if len(body) > maxFrame {
		return nil, fmt.Errorf("message %s: %d bytes, at most %d", m.Type, len(body), maxFrame)
	}
	frame := make([]byte, frameHead, frameHead+len(body))
	binary.BigEndian.PutUint32(frame, uint32(len(body)))
	return append(frame, body...), nil
}
