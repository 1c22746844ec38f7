package pid1

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/signals"
)

// codeInternal is the exit code when there is no outcome to return.
const codeInternal = 70

// Config is what Run needs. Every field but Grace must be set.
type Config struct {
	Agent []string      // the agent's arguments; the first is the name that ps shows
	Path  string        // the agent's binary; /proc/self/exe is this very one
	Env   []string      // the agent's environment, as from os.Environ
	Log   *zap.Logger   // where the few lines of this process go
	Grace time.Duration // time between TERM and KILL for what an agent left that died without an outcome
}

// Run starts the agent, serves it until it reports an outcome or dies, ends
// every process that is left and returns the exit code for os.Exit. It catches
// signals from its first statement on: call it first thing in main.
//
//	starting ──▶ running ──▶ leaving ──▶ terminating ──▶ killing ──▶ done
//	   │            outcome, or │ agent gone,  │ grace over    │
//	   ▼            its end     │ strays left  │               │
//	  done                      └──▶ done      └──▶ done       └──▶ at most 1 s
//	(no agent)                   no stray left, in every state
//
// Signals go to the agent in every state but starting, where they wait; what
// has been reported as the outcome is changed by none of them. Run never stops
// catching signals, so that none can change the exit code on the way out.
//
// As process 1 of a PID namespace it ends every other process in there. As any
// other process it makes itself a child subreaper and ends its own descendants
// alone.
func Run(c Config) int { return run(c, arm()) }

func run(c Config, caught chan os.Signal) int {
	scope := newScope(c.Log)
	reaper := newReaper()
	agent, err := startAgent(c)
	if err != nil {
		c.Log.Error("the agent can't be started", zap.Error(err))
		return codeInternal
	}
	reaper.follow(agent.pid)
	armRest(caught)
	if err := agent.link.send(message{Armed: true}); err == nil {
		go forward(caught, agent.link)
	}
	end := awaitOutcome(c, agent, reaper)
	sweep{scope: scope, reaped: reaper.reaped, log: c.Log}.run(reaper.agentGone, end.Grace)
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
		if m.Outcome != nil {
			return *m.Outcome
		}
	}
}

// arm catches the signals that would end this process. That comes before all
// else: a Go program that is process 1 and not subscribed to TERM exits with 2
// when one arrives. Subscribing to all takes longer than starting the agent
// does, so the rest waits until that is under way: see armRest.
func arm() chan os.Signal {
	// SIGPIPE is for this process's own broken output: caught, it no longer
	// kills. Nobody reads the channel, and os/signal never waits for a reader.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	caught := make(chan os.Signal, 64)
	subscribe(caught, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	return caught
}

// armRest catches every other signal that can be passed on.
func armRest(caught chan<- os.Signal) { subscribe(caught, signals.Forwardable()...) }

// subscribe is signal.Notify, but lets a signal stay ignored that the caller of
// this process had ignored, as nohup and a shell's & do: so it is for the job
// too. Go keeps and tells that of HUP and INT only.
func subscribe(caught chan<- os.Signal, list ...os.Signal) {
	for _, s := range list {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
}
