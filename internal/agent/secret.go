package agent

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/syminit/syminit/internal/config"
)

// rayTokenSize is the size of Ray's token before it is written in hex, in bytes.
const rayTokenSize = 32

// rayToken derives Ray's token from the secret and the run, so that knowing it
// gives neither the secret nor another run's token. A run without a secret gets
// a random one.
func rayToken(secret config.Token, run string) (string, error) {
	if secret.Reveal() == nil || run == "" {
		token := make([]byte, rayTokenSize)
		_, _ = rand.Read(token) // never fails
		return hex.EncodeToString(token), nil
	}
	token, err := hkdf.Key(sha256.New, secret.Reveal(), nil, "syminit ray token of run "+run, rayTokenSize)
	if err != nil {
		return "", fmt.Errorf("derive Ray's token: %w", err)
	}
	return hex.EncodeToString(token), nil
}

// writeSecret puts text into a file that only this user can read, and returns
// its path and what removes it.
func writeSecret(text string) (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "syminit-")
	if err != nil {
		return "", func() {}, failf(CodeConfig, "make a folder for Ray's token: %w; mount a tmpfs on /tmp, or set TMPDIR to a place that can be written", err)
	}
	path = filepath.Join(dir, "ray-token")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		_ = os.RemoveAll(dir)
		return "", func() {}, failf(CodeConfig, "write Ray's token: %w; make room in that place, or set TMPDIR to another", err)
	}
	return path, func() { _ = os.RemoveAll(dir) }, nil
}
