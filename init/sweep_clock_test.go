package pid1

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/signals"

	"github.com/syminit/syminit/internal/procstat"
)

// stuck is a scope with one process that nothing ends.
type stuck struct {
	begun time.Time
	sent  []string // the first one of each kind
}

func (s *stuck) empty() bool { return false }

func (s *stuck) signal(sig unix.Signal) {
	name := signals.Name(sig)
	again := slices.ContainsFunc(s.sent, func(line string) bool { return strings.HasPrefix(line, name) })
	if !again {
		s.sent = append(s.sent, fmt.Sprint(name, " after ", time.Since(s.begun)))
	}
}

func (s *stuck) list() ([]process, error) {
	return []process{{procstat.Stat{PID: 7, Parent: 1, Name: "nvidia-smi", State: 'D'}}}, nil
}

// A process that is stuck in the kernel holds the exit up for as long as it was
// granted, and a second.
func TestStuckProcess(t *testing.T) {
	gone := make(chan struct{})
	close(gone)
	for _, c := range []struct {
		name  string
		agent <-chan struct{}
		grace time.Duration
		sent  []string
		took  time.Duration
	}{
		{"agent gone", gone, 5 * time.Second, []string{"SIGTERM after 0s", "SIGCONT after 0s", "SIGKILL after 5s"}, 6 * time.Second},
		{"no grace", gone, 0, []string{"SIGTERM after 0s", "SIGCONT after 0s", "SIGKILL after 0s"}, time.Second},
		{"agent stays", nil, 5 * time.Second, []string{"SIGTERM after 1s", "SIGCONT after 1s", "SIGKILL after 5s"}, 6 * time.Second},
		{"agent stays, no grace", nil, 0, []string{"SIGTERM after 1s", "SIGCONT after 1s", "SIGKILL after 1s"}, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zap.DebugLevel)
				scope := &stuck{begun: time.Now()}
				sweep{scope: scope, log: zap.New(core)}.run(c.agent, c.grace)
				if took := time.Since(scope.begun); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if !slices.Equal(scope.sent, c.sent) {
					t.Errorf("sent %q, want %q", scope.sent, c.sent)
				}
				last := logs.All()[logs.Len()-1]
				if got := fmt.Sprint(last.Message, last.ContextMap()["processes"]); got != "processes outlived KILL and are left behind[7 nvidia-smi (stuck in the kernel)]" {
					t.Errorf("the last line is %q", got)
				}
			})
		})
	}
}
