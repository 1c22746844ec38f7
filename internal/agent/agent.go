// Package agent does one node's part of a run, top to bottom: configuration,
// who is the head, rendezvous, runtime, job, outcome. It is the only package
// that knows the others; none of them knows it.
package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	pid1 "github.com/syminit/syminit/init"
	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/hostnet"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/status"
	"github.com/syminit/syminit/rendezvous"
)

// strayGrace is how long processes that outlive the job have between TERM and
// KILL when the run was not told to stop; a run ends within a second of its job.
const strayGrace = time.Second

// A Link is the agent's connection to the supervisor that started it.
type Link interface {
	// Signals delivers what the supervisor was sent, in order; it is closed when
	// the supervisor is gone.
	Signals() <-chan syscall.Signal
	// Report hands over the exit code, and how long processes that are left have
	// between TERM and KILL.
	Report(code int, grace time.Duration) error
	// LastLine is a line of the log that is to be its last.
	LastLine(level zapcore.Level, text string) error
	// Sweep ends what a run's processes left behind.
	Sweep(grace time.Duration) error
	// ReportAndWait is Report for a run that lasts until no process is left.
	ReportAndWait(code int, grace time.Duration) error
	// Suspend stops the supervisor until it is continued, so that the shell that
	// started it goes on.
	Suspend() error
}

// Config is what an agent needs from the process it runs in.
type Config struct {
	Args     []string // the job: command and arguments
	Environ  []string // the environment, as the container was given it
	Settings *config.Config
	Facts    cluster.Facts // what Place returned
	Version  string        // syminit's own
	Link     Link
	Log      *zap.Logger
	Group    int               // the supervisor's process group, which may have the terminal
	Origin   pid1.Origin       // what the job is to be given
	Live     func(line string) // shows one changing line on a terminal; nil where there is none
}

// A node is this container's part in one run.
type node struct {
	cfg     *config.Config
	facts   cluster.Facts // what a scheduler told
	args    []string
	environ []string
	version string
	log     *zap.Logger
	link    Link
	group   int // the supervisor's process group
	origin  pid1.Origin
	name    string       // host name, or the scheduler's
	rank    atomic.Int32 // see rankNow
	state   state
	board   *status.Board // who asks sees it
	waiting *waiting
	joinBy  time.Time // when JOIN_TIMEOUT is over

	*series

	run         string    // the run's id; empty when alone
	began       time.Time // when the run's nodes were there; zero: not yet
	runtime     string    // what carries the job
	image       launch.Image
	host        *hostnet.Host // nil for runtime none
	rayToken    string        // empty where Ray runs without one
	removeToken func()
	look        *survey                // nil: there is none
	doorman     *doorman               // see doorman.leave
	found       atomic.Pointer[string] // the errors that preflight found among the nodes, in one line; nil: none
	ready       atomic.Bool            // every node's runtime has been up
	oomKills    int                    // before the job, see the function

	life   context.Context // the run's; cancelled with a verdict
	cancel context.CancelCauseFunc
	stop   *stopper
	stops  chan stopRequest // from other nodes
}

// Run does this node's part of the run and reports its end to the supervisor.
func Run(c Config) error {
	for _, line := range c.Settings.Warnings() {
		c.Log.Warn(line)
	}
	var doubled bool
	if c.Args, doubled = launch.Undouble(c.Args); doubled {
		c.Log.Warn("the command says `vllm serve` twice, and is run with one of them: leave out the one that the image has in its ENTRYPOINT")
	}
	board, err := show(c)
	if err != nil {
		c.Log.Error(err.Error())
		return c.Link.Report(CodeConfig, 0)
	}
	defer board.Close()
	stop := newStopper(stopConfig{
		log: c.Log, self: "node " + nameOf(c), timeout: c.Settings.StopTimeout, rewrites: c.Settings.RewriteSignals, board: board,
	})
	stops, finished := make(chan stopRequest), make(chan struct{})
	var stopping sync.WaitGroup
	stopping.Go(func() { stop.run(c.Link.Signals(), stops, finished) })
	go watchEnd(c, stops, finished)
	n, outcome := runs(c, stop, stops, board)
	close(finished)
	stopping.Wait() // a signal from here on is for what the job has left
	n.announce(outcome)
	report, grace := c.Link.Report, strayGrace
	if left, stopping := stop.left(); stopping {
		grace = min(grace, max(left, 0))
	} else if c.Settings.WaitAll {
		report, grace = c.Link.ReportAndWait, c.Settings.StopTimeout-stop.reserve(jobReserve)
	}
	if err := report(outcome.Code, grace); err != nil {
		return fmt.Errorf("report exit code %d to the supervisor: %w", outcome.Code, err)
	}
	return nil
}

// nameOf is what the others call this node.
func nameOf(c Config) string {
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return nodeName(c.Facts, name)
}

func newNode(c Config, kept *series, stop *stopper, stops chan stopRequest, board *status.Board) *node {
	board.Begin()
	n := &node{
		cfg: c.Settings, facts: c.Facts, args: c.Args, environ: c.Environ, version: c.Version, log: c.Log, link: c.Link, group: c.Group, origin: c.Origin,
		name: nameOf(c), stop: stop, stops: stops, removeToken: func() {}, series: kept,
		waiting: newWaiting(c.Log, c.Live, board.Wait), board: board,
		joinBy: time.Now().Add(c.Settings.JoinTimeout + kept.pauseLeft()),
	}
	n.rank.Store(rendezvous.NoRank)
	n.life, n.cancel = context.WithCancelCause(context.Background())
	return n
}

// end ends the run from outside the flow; only the first verdict counts.
func (n *node) end(o rendezvous.Outcome) {
	n.board.End(o.Cause)
	n.cancel(&verdict{o})
}

// do goes through the states. What ends it early becomes the outcome, and the
// outcome is settled with the other nodes while this node's runtime goes down.
func (n *node) do() rendezvous.Outcome {
	defer func() { n.removeToken() }()
	defer n.waiting.end()
	n.to(gathering)
	m, roster, err := n.meet()
	if m == nil {
		return n.outcomeOf(err)
	}
	defer func() { _ = m.Close() }()
	runtime, outcome := n.carry(m, roster, err)
	n.board.End(outcome.Cause)
	n.to(draining)
	if h, ok := m.(headMember); ok && !n.began.IsZero() {
		n.was = h.Roster() // with those that came later
	}
	down := make(chan struct{})
	go func() {
		defer close(down)
		runtime.Stop(rayGrace)
	}()
	outcome = n.settle(m, outcome)
	<-down
	n.to(done)
	return outcome
}

// carry takes the run from the roster, or the error in its place, to the end of
// the job. The runtime is nil if none was started.
func (n *node) carry(m member, roster rendezvous.Roster, err error) (runtime *launch.Process, o rendezvous.Outcome) {
	var plan launch.Plan
	if err == nil {
		plan, runtime, err = n.start(m, roster)
	}
	n.waiting.end()
	if err != nil {
		return runtime, n.outcomeOf(err)
	}
	n.to(running)
	ctx, over := context.WithCancel(n.life)
	defer over()
	n.awaitReady(ctx)
	return runtime, n.work(m, plan)
}

// meet makes this node a member of the run and waits for the roster. The member
// is nil where there is none, and returned with an error too: others may have
// to be told.
func (n *node) meet() (m member, roster rendezvous.Roster, err error) {
	defer func() { n.doorman.leave() }()
	for {
		if m, err = n.enlist(); err != nil {
			return nil, roster, err
		}
		n.stop.setMember(m)
		if roster, err = n.agree(m); !errors.Is(err, errPortFree) {
			return m, roster, err
		}
		n.waiting.seek() // it was that the port was taken
		_ = m.Close()
	}
}

// start takes the run to the point where the job can start.
func (n *node) start(m member, roster rendezvous.Roster) (plan launch.Plan, runtime *launch.Process, err error) {
	n.to(agreed)
	if plan, err = n.plan(roster); err != nil {
		return plan, nil, err
	}
	n.showRun(roster, plan)
	n.to(starting)
	runtime, err = n.bringUp(m, plan)
	return plan, runtime, err
}

// agree waits for the roster.
func (n *node) agree(m member) (rendezvous.Roster, error) {
	ctx, cancel := context.WithDeadline(n.life, n.joinBy)
	defer cancel()
	roster, rank, err := m.Agree(ctx)
	if err != nil {
		return roster, n.stoppedFirst(n.waiting.explain(err))
	}
	n.rank.Store(int32(rank))
	n.run = roster.RunID
	n.began, n.was, n.place = time.Now(), roster, rendezvous.Place{RunID: roster.RunID, Rank: rank}
	return roster, nil
}

// stoppedFirst is err, unless this node was told to stop and only looked for the head
// to say so: that the head refuses it, with a spare node in its place say, isn't why
// it ends.
func (n *node) stoppedFirst(err error) error {
	request, stopping := n.stop.requested()
	if _, refused := errors.AsType[*rendezvous.RefusedError](err); !refused || !stopping {
		return err
	}
	n.log.Info("the head wasn't told of the stop: " + err.Error())
	return failf(128+int(request.signal), "%s before the job started", request)
}

// rankNow is this node's rank, NoRank until the roster is there.
func (n *node) rankNow() int { return int(n.rank.Load()) }

// outcome is an end of the run that is this node's doing.
func (n *node) outcome(code int, cause string) rendezvous.Outcome {
	return rendezvous.Outcome{Code: code, Rank: n.rankNow(), Node: n.name, Cause: cause}
}

// settle makes o the outcome everywhere. A node that does not answer is lost
// by then, or the stop is at its end, whose last moment is for telling the others.
func (n *node) settle(m member, o rendezvous.Outcome) rendezvous.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.LostAfter)
	defer cancel()
	defer context.AfterFunc(n.stop.patient, func() { time.AfterFunc(n.stop.reserve(tellReserve), cancel) })()
	return m.Settle(ctx, o, n.followed)
}
