package pid1

import (
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/signals"
)

const (
	leaveWait  = time.Second           // for an agent that has reported its outcome to be gone
	killWait   = time.Second           // for what got KILL to be gone; what is not is stuck in the kernel
	pollEvery  = 50 * time.Millisecond // for what comes and goes unheard: a process that was put into the namespace has its parent outside
	awaitEvery = time.Second           // the same, where nobody is in a hurry
	maxNamed   = 20                    // processes named in one log line
)

// sweep ends what is left of a run, and does not wait for what is not there.
type sweep struct {
	scope  scope
	reaped <-chan struct{}
	log    *zap.Logger
}

// await returns when no process is left in scope, or TERM or INT comes. Other
// signals go to all that are left.
func (s sweep) await(caught <-chan syscall.Signal) {
	poll := time.NewTicker(awaitEvery)
	defer poll.Stop()
	for !s.scope.empty() {
		select {
		case <-s.reaped:
		case <-poll.C:
		case sig := <-caught:
			if signals.AsksToEnd(sig) {
				s.log.Info(signals.Name(sig) + ": ending what is left")
				return
			}
			s.scope.signal(sig)
		}
	}
}

// run returns when no process is left in scope. It takes at most grace, for
// the agent at least a second, and another second after KILL.
func (s sweep) run(agentGone <-chan struct{}, grace time.Duration) {
	over := time.Now().Add(grace)
	select {
	case <-agentGone:
	case <-time.After(leaveWait):
	}
	s.clear(time.Until(over))
}

// clear is run without the wait for the agent.
func (s sweep) clear(grace time.Duration) {
	over := time.Now().Add(grace)
	if s.scope.empty() {
		return
	}
	told := make(map[identity]bool)
	for _, p := range s.name(zap.InfoLevel, "processes are left: sending TERM", zap.Duration("grace", grace)) {
		told[p.identity()] = true
	}
	s.scope.signal(unix.SIGTERM)
	s.scope.signal(unix.SIGCONT) // a stopped process does not act on TERM
	if s.emptyWithin(time.Until(over), func() { s.tellOrphans(told) }) {
		return
	}
	s.name(zap.WarnLevel, "processes outlived TERM: sending KILL")
	if s.emptyWithin(killWait, func() { s.scope.signal(unix.SIGKILL) }) {
		return
	}
	s.name(zap.ErrorLevel, "processes outlived KILL and are left behind")
}

// tellOrphans sends TERM to processes that were started when all others had got
// it already and have lost their parent since: nobody else would end them. One
// whose parent lives is left alone: it may be there to end that one in order.
func (s sweep) tellOrphans(told map[identity]bool) {
	list, _ := s.scope.list()
	for _, p := range list {
		if p.Parent == os.Getpid() && !told[p.identity()] {
			told[p.identity()] = true
			p.signal(unix.SIGTERM)
		}
	}
}

// emptyWithin returns whether the scope was empty before d had passed. It calls
// again at once and at every poll.
func (s sweep) emptyWithin(d time.Duration, again func()) bool {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	over := time.NewTimer(d)
	defer over.Stop()
	for again(); !s.scope.empty(); {
		select {
		case <-s.reaped:
		case <-poll.C:
			again()
		case <-over.C:
			return s.scope.empty()
		}
	}
	return true
}

// name logs which processes there are, and returns them. No line is written for
// those that are dead and only wait for their parents to notice.
func (s sweep) name(level zapcore.Level, text string, fields ...zap.Field) []process {
	list, err := s.scope.list()
	if err != nil {
		s.log.Log(level, text, append(fields, zap.NamedError("names", err))...)
	} else if len(list) > 0 {
		names := make([]string, 0, maxNamed)
		for _, p := range list[:min(len(list), maxNamed)] {
			names = append(names, p.String())
		}
		s.log.Log(level, text, append(fields, zap.Int("count", len(list)), zap.Strings("processes", names))...)
	}
	return list
}
