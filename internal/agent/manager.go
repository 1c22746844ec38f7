package agent

import (
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/launch"
)

// notifySocket is where a service manager, systemd say, is told how a service
// is (sd_notify(3)). podman run --sdnotify=container passes it on.
const notifySocket = "NOTIFY_SOCKET"

// A manager is told that the run is up, and that it ends: each once, whatever
// comes again. Where a plain command runs alone, it is the job that may tell.
type manager struct {
	log             *zap.Logger
	ready, stopping sync.Once
}

func (m *manager) up()     { m.ready.Do(func() { m.tell(daemon.SdNotifyReady) }) }
func (m *manager) ending() { m.stopping.Do(func() { m.tell(daemon.SdNotifyStopping) }) }

func (m *manager) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		m.log.Warn("the service manager can't be told "+state, zap.Error(err))
	}
}

// managed reports whether this agent, and not the job, speaks for the container.
func (n *node) managed() bool { return n.runtime != launch.None }

// withoutManager drops what would let a job, or Ray, speak for the container.
func withoutManager(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		return strings.HasPrefix(entry, notifySocket+"=")
	})
}
