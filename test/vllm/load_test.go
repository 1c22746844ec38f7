package vllm

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
	"github.com/syminit/syminit/test/vllm/client"
)

// load gives vLLM three times the requests that it does at once, and another for
// each that is answered, so that at any moment some are in flight. A completion
// that has begun and is cut is an error, unless that is how this vLLM stops. It
// returns once vLLM has answered one; drained waits until vLLM takes no more, and
// returns when the last answer came.
func load(t *testing.T, head *containers.Container, cuts bool) (drained func() time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), up)
	t.Cleanup(cancel)
	answered := make(chan struct{})
	first := sync.OnceFunc(func() { close(answered) })
	var clients sync.WaitGroup
	var last atomic.Pointer[time.Time]
	for range 12 {
		clients.Go(func() {
			for {
				switch err := client.Stream(ctx, url(head, ""), 60); {
				case err == nil:
					last.Store(new(time.Now()))
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
	return func() time.Time {
		clients.Wait()
		return *last.Load()
	}
}

// closes returns when the port was seen to be closed while the container, whose
// network refuses the connection, was there; zero where that wasn't seen.
func closes(ctx context.Context, address string) time.Time {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return time.Now()
		case err == nil:
			_ = conn.Close()
		case !errors.Is(err, syscall.ECONNRESET):
			return time.Time{}
		}
		<-look.C
	}
}
