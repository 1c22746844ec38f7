package rendezvous

import (
	"encoding/binary"
	"fmt"
	"io"
)

// protocolVersion changes when a peer of the version before could not take part.
const protocolVersion uint16 = 2

// A greeting, in this order: magic, version, mode, answer, proof. The bytes up
// to the proof stay as they are in every version, so that versions that cannot
// talk can at least say so.
const (
	magic      = "syminit\n"
	proofSize  = 32
	prefixSize = len(magic) + 4
	helloSize  = prefixSize + proofSize
)

// mode is how a side proves itself.
type mode uint8

const (
	modeNone   mode = iota // there is no secret
	modeSecret             // with the secret
)

// answer is what a head makes of a worker's greeting. A worker's own is fine.
type answer uint8

const (
	fine         answer = iota
	otherVersion        // the versions differ
	needSecret          // the head has a secret, the worker none
	hasNoSecret         // the worker has a secret, the head none
	wrongSecret         // the proof does not hold
)

// hello is a greeting less its magic.
type hello struct {
	version uint16
	mode    mode
	answer  answer
	proof   [proofSize]byte
}

func (h hello) bytes() []byte {
	b := make([]byte, 0, helloSize)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, h.version)
	b = append(b, byte(h.mode), byte(h.answer))
	return append(b, h.proof[:]...)
}

// errNotSyminit is the error of a peer whose greeting has not our magic.
const errNotSyminit = nonsense("its greeting is not syminit's")

// readHello reads a greeting. Of one of another version only what stands
// before the proof is read, for what follows is not ours to know.
func readHello(r io.Reader) (hello, error) {
	var b [helloSize]byte
	if _, err := io.ReadFull(r, b[:prefixSize]); err != nil {
		return hello{}, err
	}
	if string(b[:len(magic)]) != magic {
		return hello{}, errNotSyminit
	}
	h := hello{
		version: binary.BigEndian.Uint16(b[len(magic):]),
		mode:    mode(b[prefixSize-2]),
		answer:  answer(b[prefixSize-1]),
	}
	if h.version != protocolVersion {
		return h, nil
	}
	_, err := io.ReadFull(r, b[prefixSize:])
	copy(h.proof[:], b[prefixSize:])
	return h, err
}

// refusalFor puts an answer into words, the same ones on both ends.
func refusalFor(a answer, head, worker uint16) *refusal {
	switch a {
	case otherVersion:
		return &refusal{
			Reason: fmt.Sprintf("the head speaks version %d of the protocol, the worker version %d", head, worker),
			Fix:    "run the same syminit on every node",
		}
	case needSecret:
		return &refusal{
			Reason: "the head has a secret, the worker has none",
			Fix:    "give the worker the head's SYMINIT_TOKEN or SYMINIT_TOKEN_FILE",
		}
	case hasNoSecret:
		return &refusal{
			Reason: "the worker has a secret, the head has none",
			Fix:    "give the head the worker's SYMINIT_TOKEN or SYMINIT_TOKEN_FILE",
		}
	case wrongSecret:
		return &refusal{
			Reason: "the worker's secret is not the head's, or something between them relays",
			Fix:    "give every node the same SYMINIT_TOKEN or SYMINIT_TOKEN_FILE",
		}
	}
	return &refusal{
		Reason: fmt.Sprintf("for reason %d, which this version does not know", a),
		Fix:    "read the head's log, and run the same syminit on every node",
	}
}
