package agent

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

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

// A secret lies in a folder of its own, with this name and a number. Its agent
// keeps the folder locked, so that a later one can tell which are left over.
const (
	secretFolder = "syminit-ray-" //nolint:gosec // the name, not the value
	secretFile   = "ray-token"
)

// writeSecret puts text into a file that only this user can read, and returns
// its path and what removes it.
func writeSecret(text string) (path string, remove func(), err error) {
	removeLeftSecrets()
	for {
		path, remove, err = writeSecretOnce(text)
		// Between its making and its lock the folder looks like one that was left.
		if !errors.Is(err, os.ErrNotExist) || path == "" {
			return path, remove, err
		}
	}
}

// writeSecretOnce returns a path with an error too, once there was a folder.
func writeSecretOnce(text string) (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", secretFolder)
	if err != nil {
		return "", func() {}, failf(CodeConfig, "make a folder for Ray's token: %w; mount a tmpfs on /tmp, or set TMPDIR to a place that can be written", err)
	}
	lock := lockFolder(dir, unix.LOCK_EX)
	remove = func() {
		_ = os.RemoveAll(dir)
		_ = lock.Close() // nil where the file system has no locks
	}
	path = filepath.Join(dir, secretFile)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		remove()
		return path, func() {}, failf(CodeConfig, "write Ray's token: %w; make room in that place, or set TMPDIR to another", err)
	}
	return path, remove, nil
}

// removeLeftSecrets removes what agents that were killed have left: a container
// that is started again has its /tmp of before.
func removeLeftSecrets() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), secretFolder+"*"))
	for _, dir := range dirs {
		if lock := lockFolder(dir, unix.LOCK_EX|unix.LOCK_NB); lock != nil {
			_ = os.RemoveAll(dir) // another user's can't be, and need not
			_ = lock.Close()
		}
	}
}

// lockFolder returns what holds the lock until it is closed, or its process
// ends; nil where it isn't to be had.
func lockFolder(dir string, how int) *os.File {
	f, err := os.OpenFile(dir, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		_ = f.Close()
		return nil
	}
	return f
}
