package rendezvous

import (
	"crypto/tls"
	"errors"
	"time"
)

// proofTime is how long a connection has from its start to a join that the
// head has answered, on either side.
const proofTime = 10 * time.Second

// greetWorker is the head's side of the greeting: TLS, the worker's proof, and
// only then the head's own. If it returns a [refusal], the worker was told.
func greetWorker(conn *tls.Conn, secret []byte) error {
	if err := conn.Handshake(); err != nil {
		if speaksOtherwise(err) {
			return nonsense("it does not speak TLS 1.3, so it is not syminit")
		}
		return err
	}
	theirs, err := readHello(conn)
	if err != nil {
		return err
	}
	verdict, err := weigh(theirs, secret, conn.ConnectionState())
	if err != nil {
		return err
	}
	ours := hello{version: protocolVersion, mode: modeOf(secret), answer: verdict}
	if verdict == fine {
		if ours, err = signed(secret, roleHead, conn.ConnectionState()); err != nil {
			return err
		}
	}
	if _, err := conn.Write(ours.bytes()); err != nil {
		return err
	}
	if verdict != fine {
		return refusalFor(verdict, protocolVersion, theirs.version)
	}
	return nil
}

// weigh is what a head makes of a worker's greeting.
func weigh(theirs hello, secret []byte, channel tls.ConnectionState) (answer, error) {
	ours := modeOf(secret)
	switch {
	case theirs.version != protocolVersion:
		return otherVersion, nil
	case theirs.mode == modeNone && ours == modeSecret:
		return needSecret, nil
	case theirs.mode != modeNone && ours == modeNone:
		return hasNoSecret, nil
	case ours == modeNone:
		return fine, nil
	}
	holds, err := proven(secret, roleWorker, channel, theirs)
	if !holds {
		return wrongSecret, err
	}
	return fine, err
}

// greetHead is the worker's side: TLS, its proof, and the head's.
func greetHead(conn *tls.Conn, secret []byte) error {
	if err := conn.Handshake(); err != nil {
		if speaksOtherwise(err) {
			return notSyminit("it does not speak TLS 1.3")
		}
		return err
	}
	channel := conn.ConnectionState()
	ours, err := signed(secret, roleWorker, channel)
	if err != nil {
		return err
	}
	if _, err := conn.Write(ours.bytes()); err != nil {
		return err
	}
	theirs, err := readHello(conn)
	switch {
	case errors.Is(err, errNotSyminit):
		return notSyminit(string(errNotSyminit))
	case err != nil:
		return err
	case theirs.version != protocolVersion:
		return refusalFor(otherVersion, theirs.version, protocolVersion)
	case theirs.answer != fine:
		return refusalFor(theirs.answer, theirs.version, protocolVersion)
	case theirs.mode != ours.mode:
		return refusalFor(hasNoSecret, theirs.version, protocolVersion)
	case ours.mode == modeNone:
		return nil
	}
	holds, err := proven(secret, roleHead, channel, theirs)
	if err == nil && !holds {
		return &refusal{
			Reason: "what answers there does not know this node's secret: it is another run's head, or it relays",
			Fix:    "check SYMINIT_HEAD and SYMINIT_PORT, and give every node the same SYMINIT_TOKEN or SYMINIT_TOKEN_FILE",
		}
	}
	return err
}

func notSyminit(why string) *refusal {
	return &refusal{
		Reason: "what answers there is not syminit: " + why,
		Fix:    "check SYMINIT_HEAD and SYMINIT_PORT, and that nothing else listens on that port",
	}
}
