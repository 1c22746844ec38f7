package pid1

import (
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-reap"
	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/signals"
)

// reaper waits for every child of this process, its own and adopted ones.
type reaper struct {
	reaped    chan struct{} // holds a value when children have been reaped since it was last emptied
	agentGone chan struct{} // closed when the agent has been reaped

	agent int
	pidfd int            // the agent's; -1 where the kernel has none
	once  sync.Once      // closes agentGone
	lock  sync.RWMutex   // go-reap holds it to write while it reaps
	died  chan os.Signal // holds SIGCHLD when children have died since it was last emptied
}

// newReaper starts go-reap, after the agent: no child can be reaped before it is
// known which one that is.
func newReaper(agent int) *reaper {
	r := &reaper{
		reaped:    make(chan struct{}, 1),
		agentGone: make(chan struct{}),
		agent:     agent,
		pidfd:     -1,
		died:      make(chan os.Signal, 1),
	}
	if fd, err := unix.PidfdOpen(agent, 0); err == nil { // close-on-exec, and open for good
		r.pidfd = fd
	}
	r.lock.RLock()
	signal.Notify(r.died, unix.SIGCHLD)
	go reap.ReapChildren(nil, nil, nil, &r.lock)
	go r.kick()
	go r.follow()
	return r
}

// kick tells go-reap about children that died before it listened, or before
// this program was executed: it acts on SIGCHLD alone, and says nowhere that it
// has subscribed to it. But once it has, and one arrives, it waits for the lock,
// and while a writer waits no reader gets it.
func (r *reaper) kick() {
	defer r.lock.RUnlock()
	retry := time.NewTicker(100 * time.Microsecond)
	defer retry.Stop()
	for {
		_ = unix.Kill(os.Getpid(), unix.SIGCHLD)
		<-retry.C
		if !r.lock.TryRLock() {
			return
		}
		r.lock.RUnlock()
	}
}

// follow tells what go-reap has done, and watches for the agent's end. go-reap
// would say which processes it has reaped, but a word for each takes as long as
// reaping it does: of a thousand at once only the last one counts here.
func (r *reaper) follow() {
	for range r.died {
		for !r.allReaped() {
			runtime.Gosched() // go-reap has been told too, and comes to it
		}
		if r.agentReaped() {
			r.closeAgentGone()
		}
		select {
		case r.reaped <- struct{}{}:
		default:
		}
	}
}

// allReaped waits for go-reap when it is at work, and reports whether no dead
// child is left.
func (r *reaper) allReaped() bool {
	r.lock.RLock()
	defer r.lock.RUnlock()
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err != nil || info.Signo == 0
}

// agentReaped is wrong, without pidfds (Linux 5.3), when another process has got the
// agent's number already: the end of this one then takes a second longer.
func (r *reaper) agentReaped() bool {
	if r.pidfd >= 0 {
		if err := unix.PidfdSendSignal(r.pidfd, 0, nil, 0); err == nil || err == unix.ESRCH {
			return err != nil
		}
	}
	return unix.Kill(r.agent, 0) == unix.ESRCH
}

func (r *reaper) closeAgentGone() { r.once.Do(func() { close(r.agentGone) }) }

// endAgent makes sure that an agent that has closed the link is dead, and says
// how it ended. That takes at most a second, and before Linux 6.15 is not always
// known: go-reap may have been quicker, and it drops the status.
func (r *reaper) endAgent() string {
	r.lock.RLock() // go-reap stands still
	defer r.lock.RUnlock()
	var status unix.WaitStatus
	switch pid, err := unix.Wait4(r.agent, &status, unix.WNOHANG, nil); {
	case err != nil:
		return r.afterwards()
	case pid == 0:
		// Not waited for, so the number is still its own. An agent that is
		// ending by itself keeps the status that it ends with.
		_ = unix.Kill(r.agent, unix.SIGKILL)
		select {
		case status = <-r.await():
		case <-time.After(killWait):
			return "it can't be killed"
		}
	}
	r.closeAgentGone()
	return describe(status)
}

// afterwards asks the kernel how the agent ended, which has been waited for.
func (r *reaper) afterwards() string {
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	if err := unix.IoctlPidfdInfo(r.pidfd, &info); err != nil || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return "not known"
	}
	return describe(unix.WaitStatus(info.Exit_code))
}

func (r *reaper) await() <-chan unix.WaitStatus {
	ended := make(chan unix.WaitStatus, 1)
	go func() {
		var status unix.WaitStatus
		if _, err := unix.Wait4(r.agent, &status, 0, nil); err == nil {
			ended <- status
		}
	}()
	return ended
}

func describe(status unix.WaitStatus) string {
	switch {
	case status.Signaled() && status.Signal() == unix.SIGKILL:
		return "killed by SIGKILL: out of memory, or kill -9"
	case status.Signaled():
		return "killed by " + signals.Name(status.Signal())
	}
	return "exited with " + strconv.Itoa(status.ExitStatus())
}
