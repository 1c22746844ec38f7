package main

import (
	"io"
	"os"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	pid1 "github.com/syminit/syminit/init"
	"github.com/syminit/syminit/internal/agent"
	"github.com/syminit/syminit/internal/logging"
)

// runAgent is the agent's main. Its exit code goes to the supervisor over the
// link; what it returns counts only when that fails.
func runAgent(cmd command, stderr *os.File) int {
	// For ps and top: the kernel took the name from the path, /proc/self/exe.
	_ = os.WriteFile("/proc/self/comm", []byte(agentName), 0)
	link, err := pid1.Attach()
	environ := pid1.Environ()
	var live func(string)
	var out io.Writer = logging.NewPatient(stderr)
	terminal := term.IsTerminal(int(stderr.Fd()))
	if terminal {
		line := logging.NewLiveLine(out, func() int {
			width, _, _ := term.GetSize(int(stderr.Fd()))
			return width
		})
		out, live = line, line.Set
	}
	log := newLogger(environ, out, terminal)
	if err != nil {
		log.Error("not started by syminit", zap.Error(err))
		return agent.CodeInternal
	}
	if cmd.twice {
		log.Warn("the command says `syminit` twice, and is run with one of them: leave out the one that the image has in its ENTRYPOINT")
	}
	cfg, facts, err := load(environ, cmd)
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			log.Error(strings.TrimRight(line, "\n"))
		}
		err = link.Report(agent.CodeConfig, 0)
	} else {
		err = agent.Run(agent.Config{
			Args: cmd.args, Environ: environ, Settings: cfg, Facts: facts, Version: version, Link: link, Log: log, Live: live, Group: supervisorGroup(),
			Origin: link.Origin(),
		})
	}
	if err != nil {
		log.Error("the agent failed", zap.Error(err))
		return agent.CodeInternal
	}
	return 0
}

// supervisorGroup is the process group of the supervisor, which started this
// process; the agent has one of its own.
func supervisorGroup() int {
	group, err := unix.Getpgid(os.Getppid())
	if err != nil {
		return 0 // it is gone, and the run with it
	}
	return group
}
