package vllm

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/syminit/syminit/test/containers"
	"github.com/syminit/syminit/test/vllm/client"
)

// load gives vLLM three times the requests that it does at once, and another for
// each that is answered, so that at any moment some are in flight. A completion
// that has begun and is cut is an error, unless that is how this vLLM stops. It
// returns once vLLM has answered one; drained waits until vLLM takes no more.
func load(t *testing.T, head *containers.Container, cuts bool) (drained func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), up)
	t.Cleanup(cancel)
	answered := make(chan struct{})
	first := sync.OnceFunc(func() { close(answered) })
	var clients sync.WaitGroup
	for range 12 {
		clients.Go(func() {
			for {
				switch err := client.Stream(ctx, url(head, ""), 60); {
				case err == nil:
					first()
				case errors.Is(err, client.ErrNotBegun):
					return
				default:
					if !cuts {
						t.Error("a request in flight: ", err)
					}
					return
				}
			}
		})
	}
	select {
	case <-answered:
	case <-ctx.Done():
		t.Fatal("vLLM answers no request")
	}
	return clients.Wait
}
