package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/launch"
)

// notifySocket is where a service manager, systemd say, is told how a service
// is (sd_notify(3)). podman run --sdnotify=container passes it on.
const notifySocket = "NOTIFY_SOCKET"

// A manager is told that this node is ready, and that the run ends: each once,
// whatever comes again, and nothing after the end. Where a plain command runs
// alone, it is the job that may tell.
type manager struct {
	log *zap.Logger

	mu              sync.Mutex
	ready, stopping bool
}

func (m *manager) up() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ready && !m.stopping {
		m.ready = true
		m.tell(daemon.SdNotifyReady)
	}
}

func (m *manager) ending() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopping {
		m.stopping = true
		m.tell(daemon.SdNotifyStopping)
	}
}

func (m *manager) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		m.log.Warn("the service manager can't be told "+state, zap.Error(err))
	}
}

// managed reports whether this agent, and not the job, speaks for the container.
func (n *node) managed() bool { return n.runtime != launch.None }

// awaitReady takes note, and tells the service manager, if there is one, once
// this node is ready as syminit health has it: before the job starts, unless that
// is a server that says so itself. That one is waited for until ctx ends.
func (n *node) awaitReady(ctx context.Context) {
	switch {
	case !n.managed():
	case n.board.Read().Health == nil:
		n.manager.up()
	default:
		slow := newSlow(n.log, &n.found)
		go func() {
			if n.board.AwaitReady(ctx, slow.notYet) == nil {
				n.log.Info("the server is ready", zap.Duration("after", time.Since(slow.began)))
				n.stop.serves()
				n.manager.up()
			}
		}()
	}
}

// withoutManager drops what would let a job, or Ray, speak for the container.
func withoutManager(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		return strings.HasPrefix(entry, notifySocket+"=")
	})
}
