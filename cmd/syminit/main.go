// Command syminit is the ENTRYPOINT of a container that is one node of a
// multi-node job. The same command runs on every host: the containers find each
// other, bring Ray up, run the job, and all end with its exit code.
//
// It is two processes of this binary: a supervisor, which is PID 1, and the
// agent that it starts, which does the work.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/term"

	pid1 "github.com/syminit/syminit/init"
	"github.com/syminit/syminit/internal/agent"
	"github.com/syminit/syminit/internal/logging"
)

// version is set by the linker: -X main.version=...
var version = "devel"

// agentName is the agent's argv[0], by which it is known to be one, to itself
// and in ps.
const agentName = "syminit-agent"

// strayGrace is how long processes have between TERM and KILL that an agent
// left that died.
const strayGrace = time.Second

func main() {
	// The default is a thread for each core of a host that may have hundreds.
	// In the environment the setting would reach the job.
	runtime.GOMAXPROCS(2)
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

func run(argv []string, stdout, stderr *os.File) int {
	cmd, err := parse(argv[1:])
	if err != nil {
		fmt.Fprintf(stderr, "syminit: %v\n\n%s", err, usage)
		return agent.CodeConfig
	}
	if cmd.verb != verbRun && cmd.verb != verbSymmetricRun {
		pid1.Leave()
	}
	switch cmd.verb {
	case verbHelp:
		return write(stdout, usage)
	case verbVersion:
		return write(stdout, fmt.Sprintf("syminit %s %s/%s\n", version, runtime.GOOS, runtime.GOARCH))
	case verbConfig:
		return showConfig(os.Environ(), len(cmd.args) > 0, stdout, stderr)
	case verbStatus:
		return showStatus(stdout, stderr)
	case verbHealth:
		return showHealth(stdout, stderr)
	case verbDoctor:
		return examine(cmd.args, os.Environ(), stdout)
	}
	if argv[0] == agentName {
		return runAgent(cmd, stderr)
	}
	environ := pid1.Environ()
	return pid1.Run(pid1.Config{
		Path: "/proc/self/exe", Agent: append([]string{agentName}, argv[1:]...), Env: environ,
		Log: newLogger(environ, logging.NewPatient(stderr), term.IsTerminal(int(stderr.Fd()))), Grace: strayGrace,
	})
}

func write(w io.Writer, text string) int {
	if _, err := io.WriteString(w, text); err != nil {
		return 1
	}
	return 0
}

// newLogger looks only at the log's own two settings, and leniently: PID 1
// parses no configuration, and the agent says what is wrong with it.
func newLogger(environ []string, out io.Writer, terminal bool) *zap.Logger {
	c := logging.Config{Out: out, Colour: terminal}
	for _, entry := range environ {
		switch name, value, _ := strings.Cut(entry, "="); name {
		case "SYMINIT_LOG_LEVEL":
			c.Level = strings.ToLower(strings.TrimSpace(value))
		case "SYMINIT_LOG_FORMAT":
			c.JSON = strings.EqualFold(strings.TrimSpace(value), "json")
		}
	}
	return logging.New(c)
}
