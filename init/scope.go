package pid1

import (
	"os"
	"slices"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/procstat"
)

// scope is the set of processes that this process ends; it is not one of them.
type scope interface {
	empty() bool
	signal(unix.Signal)
	// list leaves out the dead that nobody has waited for yet.
	list() ([]process, error)
}

func newScope(log *zap.Logger) scope {
	if os.Getpid() == 1 {
		return namespace{}
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		log.Warn("this process can't adopt orphans: they may be left running", zap.Error(err))
	}
	return descendants{self: os.Getpid()}
}

// namespace is every other process of the PID namespace that this process is
// the first of. Only process 1 may use it: kill(-1) of any other one reaches
// all that its user owns.
type namespace struct{}

// The kernel spares process 1 and the caller, signals all others at one instant
// and returns ESRCH only when there are none (kill_something_info in its
// kernel/signal.c).
func (namespace) signal(s unix.Signal) { _ = unix.Kill(-1, s) }

func (namespace) empty() bool { return unix.Kill(-1, 0) == unix.ESRCH }

func (namespace) list() ([]process, error) {
	all, err := processes()
	return slices.DeleteFunc(all, func(p process) bool { return p.PID == 1 || p.Dead() }), err
}

// descendants are the processes that self started, and their children, and so
// on. An orphan among them stays one, because self is a subreaper.
type descendants struct{ self int }

// Every line of descent goes through a child of self, if only one that is dead
// and not waited for.
func (descendants) empty() bool {
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == unix.ECHILD
}

func (d descendants) list() ([]process, error) { return offspring(d.self, 0) }

// offspring lists the descendants of a process, but not one of them, and what
// descends from that.
func offspring(of, except int) ([]process, error) {
	all, err := visible()
	if err != nil {
		return nil, err
	}
	return named(procstat.Descendants(all, of, except)), nil
}

// signal misses what is forked or orphaned while it looks: the next call is for
// those.
func (d descendants) signal(s unix.Signal) { signalAll(d, s) }

// orphans are the descendants of self that don't descend from the agent. A
// shell that somebody else opened in the container is none: its parent is
// outside.
type orphans struct{ self, agent int }

func (o orphans) empty() bool {
	list, err := o.list()
	return err != nil || len(list) == 0 // without names there is nothing to be done
}

func (o orphans) list() ([]process, error) { return offspring(o.self, o.agent) }

func (o orphans) signal(s unix.Signal) { signalAll(o, s) }

func signalAll(in scope, s unix.Signal) {
	list, _ := in.list()
	for _, p := range list {
		p.signal(s)
	}
}
