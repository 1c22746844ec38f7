package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// mask stands for a secret wherever one could be shown.
const mask = "***"

// maxTokenFile bounds what is read of a secret's file, in bytes.
const maxTokenFile = 64 << 10

// A Token is the secret that the nodes share. Whatever prints, logs or
// marshals it gets "***", or nothing where it isn't set; only Reveal gives it
// away. The zero Token is unset.
type Token struct {
	// A pointer to a string, because fmt can't call methods on a Token in an
	// unexported field: of this it prints the address for every verb, while it
	// follows a pointer to a slice.
	secret *string
}

// UnmarshalText makes text, less the white space around it, the secret.
func (t *Token) UnmarshalText(text []byte) error {
	t.secret = nil
	if secret := string(bytes.TrimSpace(text)); secret != "" {
		t.secret = &secret
	}
	return nil
}

// Reveal returns a copy of the secret, nil when there is none.
func (t Token) Reveal() []byte {
	if t.secret == nil {
		return nil
	}
	return []byte(*t.secret)
}

// String returns "***", or "" for an unset Token.
func (t Token) String() string {
	if t.secret == nil {
		return ""
	}
	return mask
}

// Format writes String's text for every verb and flag, %#v, %x and %d included.
func (t Token) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, t.String())
}

// MarshalText returns String's text, for JSON and the like.
func (t Token) MarshalText() ([]byte, error) {
	return []byte(t.String()), nil
}

// readToken reads the secret's file. Docker's and Kubernetes' secrets are
// readable by all within the container, so permissions aren't checked.
func readToken(path string) (Token, *fault) {
	info, err := os.Stat(path)
	if err != nil {
		return Token{}, tokenFileFault(err)
	}
	if !info.Mode().IsRegular() {
		return Token{}, &fault{reason: "not a regular file", next: "name the file itself"}
	}
	f, err := os.Open(path)
	if err != nil {
		return Token{}, tokenFileFault(err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxTokenFile+1))
	if err != nil {
		return Token{}, tokenFileFault(err)
	}
	if len(data) > maxTokenFile {
		return Token{}, &fault{reason: "larger than 64 KiB, so hardly a secret", next: "check the path"}
	}
	var t Token
	_ = t.UnmarshalText(data)
	if t.secret == nil {
		return Token{}, &fault{reason: "the file is empty", next: "fill it on every node with the same secret: openssl rand -hex 32"}
	}
	return t, nil
}

// tokenFileFault leaves the path out: the caller decides whether it is shown.
func tokenFileFault(err error) *fault {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault{reason: "no such file", next: "mount it into the container: docker run -v /path/on/the/host:/run/secrets/syminit:ro"}
	case errors.Is(err, fs.ErrPermission):
		return &fault{reason: "permission denied", next: fmt.Sprintf("make it readable for user %d, as whom syminit runs", os.Getuid())}
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return &fault{reason: err.Error(), next: "check the path and the mount"}
}

// shownPath returns a secret's path for showing, or the mask when it might be
// the secret itself, put into the wrong variable.
func shownPath(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return mask
}
