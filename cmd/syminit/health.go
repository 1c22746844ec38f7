package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/syminit/syminit/internal/status"
)

// codeNotReady is what Docker's HEALTHCHECK takes for unhealthy; it reserves
// 2 and knows no other.
const codeNotReady = 1

// showHealth says whether the run in this container is ready, by the exit code
// above all.
func showHealth(stdout, stderr *os.File) int {
	state, err := find()
	if err == nil {
		err = state.Ready(context.Background())
	}
	if err != nil {
		fmt.Fprintf(stderr, "not ready: %v\n", err)
		return codeNotReady
	}
	return write(stdout, "ready\n")
}

// showStatus prints the state of the run in this container.
func showStatus(stdout, stderr *os.File) int {
	state, err := find()
	if err != nil {
		fmt.Fprintf(stderr, "syminit: %v\n", err)
		return codeNotReady
	}
	notReady := state.Ready(context.Background())
	return write(stdout, state.Lines(time.Now(), notReady))
}

// find finds the state, as the user who may see it: HEALTHCHECK runs as the
// image's user, and an image's entrypoint may start syminit as another one.
func find() (status.State, error) {
	state, err := status.Find(agentName)
	other, ok := errors.AsType[*status.ForbiddenError](err)
	if !ok || os.Geteuid() != 0 {
		return state, err
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(other.GID, other.GID, other.GID), syscall.Setresuid(other.UID, other.UID, other.UID)); err != nil {
		return state, fmt.Errorf("%w; becoming that user: %w", other, err)
	}
	return status.Find(agentName)
}
