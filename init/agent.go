package pid1

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// linkVariable tells the agent which descriptor its end of the link is. Attach
// takes it out of the environment again, so no job sees it. It has not the
// prefix of the settings, for it is none.
const linkVariable = "_SYMINIT_LINK"

type agent struct {
	pid  int
	link conn
}

// startAgent starts the agent with everything that this process was given:
// descriptors of any number and limits (Go puts the RLIMIT_NOFILE back that it
// raised). Signals are blocked in it as they are here, and it is told what they
// were. Its end of the link gets the lowest number that is
// free, so it takes the place of no descriptor that the caller passed in, and
// is not marked close-on-exec like all other descriptors of this process: the
// agent is the only program that this process ever starts.
//
// The agent has a process group of its own: what a terminal or a shell sends to
// the group of this process then arrives here alone, and kill -9 of that group
// leaves an agent that can end its job.
func startAgent(c Config, o Origin) (*agent, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make the link to the agent: %w", err)
	}
	ours, theirs := pair[0], pair[1]
	defer func() { _ = unix.Close(theirs) }()
	if _, err := unix.FcntlInt(uintptr(theirs), unix.F_SETFD, 0); err != nil {
		return nil, fmt.Errorf("pass the link to the agent: %w", err)
	}
	pid, err := syscall.ForkExec(c.Path, c.Agent, &syscall.ProcAttr{
		Env:   environment(c.Env, theirs, o),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	return &agent{pid: pid, link: conn{ours}}, nil
}

// Environ is this process's environment as it was given, less what Run passes to
// its agent. os.Environ leaves out names that occur twice and entries that are
// empty.
func Environ() []string {
	block, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		return os.Environ()
	}
	var env []string
	for len(block) > 0 {
		entry, rest, _ := bytes.Cut(block, []byte{0})
		if block = rest; !bytes.HasPrefix(entry, []byte(linkVariable+"=")) {
			env = append(env, string(entry))
		}
	}
	return env
}

func environment(env []string, link int, o Origin) []string {
	kept := slices.DeleteFunc(slices.Clone(env), func(s string) bool {
		return strings.HasPrefix(s, linkVariable+"=")
	})
	return append(kept, linkVariable+"="+strconv.Itoa(link)+","+o.String())
}
