package pid1

import (
	"os"
	"time"

	"go.uber.org/zap"
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
	end := awaitOutcome(c, agent, reaper)
	sweep := sweep{scope: scope, reaped: reaper.reaped, log: c.Log}
	if end.Wait {
		agent.link.stop() // signals are for what is left, from now on
		sweep.await(in.late)
	}
	sweep.run(reaper.agentGone, end.Grace)
	nameShared(c.Log, began)
	return end.Code
}

func awaitOutcome(c Config, agent *agent, reaper *reaper) outcome {
	for {
		m, err := agent.link.receive()
		if err != nil {
			c.Log.Error("the agent ended without reporting an outcome",
				zap.String("how", reaper.endAgent()), zap.NamedError("link", err), zap.Int("code", codeInternal))
			return outcome{Code: codeInternal, Grace: c.Grace}
		}
		switch {
		case m.outcome != nil:
			return *m.outcome
		case m.suspend:
			_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
		case m.sweep != nil:
			sweep{scope: orphans{self: os.Getpid(), agent: agent.pid}, reaped: reaper.reaped, log: c.Log}.clear(m.sweep.grace)
			_ = agent.link.send(message{swept: true}) // or it is gone, as the next receive says
		}
	}
}
