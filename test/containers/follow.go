package containers

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// WaitLog returns once the container has printed text.
func (n *Container) WaitLog(text string, limit time.Duration) {
	n.t.Helper()
	n.WaitLogTimes(text, 1, limit)
}

// WaitLogTimes returns once the container has printed text so many times.
func (n *Container) WaitLogTimes(text string, times int, limit time.Duration) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// Following ends with the container, which may be started again.
	for !n.follow(ctx, text, times) {
		if ctx.Err() != nil || Docker(n.t, "inspect", "-f", "{{.State.Running}} {{.State.Restarting}}", n.ID) == "false false" {
			// The last lines may have come with the end.
			if strings.Count(n.Logs(), text) < times {
				n.t.Fatalf("%s did not print %q %d times", n.Name, text, times)
			}
			return
		}
	}
}

// follow reports whether the container has printed text so many times, as soon
// as it has, or when it has ended.
func (n *Container) follow(ctx context.Context, text string, times int) bool {
	n.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	follow := exec.CommandContext(ctx, "docker", "logs", "-f", n.ID)
	out := &findWriter{want: []byte(text), times: times, found: make(chan struct{})}
	follow.Stdout, follow.Stderr = out, out
	if err := follow.Start(); err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = follow.Wait(); close(ended) }()
	select {
	case <-out.found:
		cancel()
		<-ended
		return true
	case <-ended:
		return false
	}
}

// findWriter closes found once want has been written to it so many times.
type findWriter struct {
	want  []byte
	times int
	mu    sync.Mutex
	seen  bytes.Buffer
	once  sync.Once
	found chan struct{}
}

func (w *findWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen.Write(p)
	if bytes.Count(w.seen.Bytes(), w.want) >= w.times {
		w.once.Do(func() { close(w.found) })
	}
	return len(p), nil
}
