package pid1

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"
)

// codeInternal is the exit code when there is no outcome to return.
const codeInternal = 70

// Config is what Run needs. Every field but Grace must be set.
type Config struct {
	Agent []string      // the agent's arguments; the first is the name that ps shows
	Path  string        // the agent's binary; /proc/self/exe is this very one
	Env   []string      // the agent's environment, as from Environ
	Log   *zap.Logger   // where the few lines of this process go
	Grace time.Duration // time between TERM and KILL for what an agent left that died without an outcome
}

// Run starts the agent, serves it until it reports an outcome or dies, ends
// every process that is left and returns the exit code for os.Exit. Call it
// first thing in main, of a program that is built as the Makefile does:
// without that, it passes less on to the job and loses some signals of a burst.
//
//	starting ──▶ running ──▶ leaving ──▶ terminating ──▶ killing ──▶ done
//	   │            outcome, or │ agent gone,  │ grace over    │
//	   ▼            its end     │ strays left  │               │
//	  done                      └──▶ done      └──▶ done       └──▶ at most 1 s
//	(no agent)                   no stray left, in every state
//
// Between running and leaving it waits, if the agent says so, until no process
// is left, or a TERM or INT comes.
//
// Signals go to the agent in every state but starting, where they wait; what
// has been reported as the outcome is changed by none of them. Run never stops
// catching signals, so that none can change the exit code on the way out.
//
// As process 1 of a PID namespace it ends every other process in there. As any
// other process it makes itself a child subreaper and ends its own descendants
// alone.
func Run(c Config) int { return run(c, newIntake()) }

func run(c Config, in intake) int {
	began := fileClock()
	terminal := ownTerminal()
	defer terminal.takeBack()
	scope := newScope(c.Log)
	agent, err := startAgent(c, in.origin)
	if err != nil {
		c.Log.Error("the agent can't be started", zap.Error(err))
		return codeInternal
	}
	reaper := newReaper(agent.pid)
	go in.forward(agent.link, c.Log)
	end, last := awaitOutcome(c, agent, reaper)
	said := false
	log := c.Log.WithOptions(zap.Hooks(func(zapcore.Entry) error { said = true; return nil }))
	sweep := sweep{scope: scope, reaped: reaper.reaped, log: log}
	if end.Wait {
		agent.link.stop() // signals are for what is left, from now on
		sweep.await(in.late)
	}
	sweep.run(reaper.agentGone, end.Grace)
	nameShared(log, began)
	if said && last.text != "" {
		c.Log.Log(last.level, last.text)
	}
	return end.Code
}

// awaitOutcome returns what the agent reports, and the line that is to be the log's
// last.
func awaitOutcome(c Config, agent *agent, reaper *reaper) (o outcome, last lastLine) {
	for {
		m, err := agent.link.receive()
		if err != nil {
			how := reaper.endAgent()
			last = lastLine{zapcore.ErrorLevel, fmt.Sprintf("run over: the agent ended without reporting an outcome: %s; exit code %d", how, codeInternal)}
			c.Log.Error(last.text, zap.NamedError("link", err))
			return outcome{Code: codeInternal, Grace: c.Grace}, last
		}
		switch {
		case m.outcome != nil:
			return *m.outcome, last
		case m.last != nil:
			last = *m.last
		case m.suspend:
			_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
		case m.sweep != nil:
			sweep{scope: orphans{self: os.Getpid(), agent: agent.pid}, reaped: reaper.reaped, log: c.Log}.clear(m.sweep.grace)
			_ = agent.link.send(message{swept: true}) // or it is gone, as the next receive says
		}
	}
}
