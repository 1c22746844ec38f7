package rendezvous

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"
)

// exporterLabel names the keying material that a proof is made from (RFC 8446,
// section 7.5). It is different in every TLS channel, so a proof is worth
// nothing in another one.
const exporterLabel = "EXPORTER-syminit-rendezvous"

// role keeps one side's proof from being sent back as the other's.
type role string

const (
	roleHead   role = "head"
	roleWorker role = "worker"
)

// prove is the proof of a side that knows the secret, in this channel. The
// greeting's other fields are under it too.
func prove(secret []byte, r role, channel tls.ConnectionState, h hello) (proof [proofSize]byte, err error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "syminit rendezvous, proof of the "+string(r), sha256.Size)
	if err != nil {
		return proof, fmt.Errorf("key of the proof: %w", err)
	}
	binding, err := channel.ExportKeyingMaterial(exporterLabel, []byte(r), sha256.Size)
	if err != nil {
		return proof, fmt.Errorf("binding of the proof: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(binding)
	mac.Write(h.bytes()[:prefixSize])
	copy(proof[:], mac.Sum(nil))
	return proof, nil
}

// proven reports whether a greeting's proof holds.
func proven(secret []byte, r role, channel tls.ConnectionState, h hello) (bool, error) {
	want, err := prove(secret, r, channel, h)
	return hmac.Equal(want[:], h.proof[:]), err
}

// signed makes a greeting, with a proof if there is a secret.
func signed(secret []byte, r role, channel tls.ConnectionState) (hello, error) {
	h := hello{version: protocolVersion, mode: modeOf(secret)}
	if h.mode == modeNone {
		return h, nil
	}
	var err error
	h.proof, err = prove(secret, r, channel, h)
	return h, err
}

func modeOf(secret []byte) mode {
	if secret == nil {
		return modeNone
	}
	return modeSecret
}

// serverTLS makes the head's side, with a certificate for this run only. It
// says nothing about who the head is: that is the proof's work.
func serverTLS() (*tls.Config, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key of the certificate: %w", err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(100, 0, 0)}
	cert, err := x509.CreateCertificate(rand.Reader, form, form, public, private)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true, // no session is ever resumed
		Certificates:           []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: private}},
	}, nil
}

// clientTLS makes a worker's side. The certificate is not verified, for nobody
// vouches for it: the proof, bound to the channel, tells the head from others.
func clientTLS() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // the proof stands in for it
	}
}
