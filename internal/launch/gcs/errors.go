package gcs

import (
	"errors"
	"fmt"
	"net/url"
)

// ErrToken is matched (errors.Is) by the error of a call that the GCS refused
// because the token is wrong or missing.
var ErrToken = errors.New("the token was refused")

// errWire is wrapped by every error about bytes that aren't what they should be.
var errWire = errors.New("malformed answer")

// unauthenticated is gRPC's status code of a call without valid credentials.
const unauthenticated = 16

// maxMessage bounds how much of a peer's error message is repeated, in bytes.
const maxMessage = 300

// StatusError is an answer of the GCS that isn't OK.
type StatusError struct {
	Code    int    // gRPC's, https://grpc.io/docs/guides/status-codes/
	Message string // what the GCS said
}

func (e *StatusError) Error() string {
	if e.Code == unauthenticated {
		return fmt.Sprintf("%v: %s", ErrToken, e.Message)
	}
	return fmt.Sprintf("gRPC status %d: %s", e.Code, e.Message)
}

// Is makes errors.Is(err, ErrToken) work.
func (e *StatusError) Is(target error) bool {
	return target == ErrToken && e.Code == unauthenticated
}

// newStatusError takes the message as it came: percent-encoded.
func newStatusError(code int, message string) *StatusError {
	if plain, err := url.PathUnescape(message); err == nil {
		message = plain
	}
	if len(message) > maxMessage {
		message = message[:maxMessage] + "…"
	}
	return &StatusError{Code: code, Message: message}
}
