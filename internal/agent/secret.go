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

// rayToken derives Ray's token from the run's secret, so that knowing the one
// does not give the other; a run without a secret gets a random one.
func rayToken(secret config.Token) (string, error) {
	if secret.Reveal() == nil {
		token := make([]byte, rayTokenSize)
		_, _ = rand.Read(token) // never fails
		return hex.EncodeToString(token), nil
	}
	token, err := hkdf.Key(sha256.New, secret.Reveal(), nil, "syminit ray token", rayTokenSize)
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
		return "", nil, fmt.Errorf("make a folder for Ray's token, TMPDIR names another place: %w", err)
	}
	path = filepath.Join(dir, "ray-token")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, fmt.Errorf("write Ray's token: %w", err)
	}
	return path, func() { _ = os.RemoveAll(dir) }, nil
}
