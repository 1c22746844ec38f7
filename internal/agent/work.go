package agent

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/rendezvous"
	"github.com/syminit/syminit/signals"
)

// failedJobGrace is how long a job has between TERM and KILL when the run
// failed around it: nothing it still does can succeed.
const failedJobGrace = time.Second

// work runs the job, or on a node without one waits for the end of the run,
// and returns the outcome as this node sees it.
func (n *node) work(m member, plan launch.Plan) rendezvous.Outcome {
	if plan.Job == nil {
		<-n.life.Done()
		return n.outcomeOf(n.life.Err())
	}
	command := *plan.Job
	if n.service() {
		// Ctrl-C is then for syminit, which knows the server's end as asked for.
		command.Foreground = false
	}
	n.oomKills = oomKills()
	job, err := n.stop.startJob(n.jobStop(plan), func() (*launch.Process, error) {
		return launch.Start(command, n.jobConfig())
	})
	if err != nil {
		return n.outcomeOf(err)
	}
	if entry := n.log.Check(zap.DebugLevel, "job started"); entry != nil {
		entry.Write(zap.Int("pid", job.Pid()), zap.String("command", describeCommand(n.args)))
	}
	select {
	case <-job.Done():
		return n.jobOver(m, plan, job)
	case <-n.life.Done():
		// A job that has ended by itself has decided the run, though the loss of a
		// node, say, was heard of first.
		if job.Ended() {
			<-job.Done()
			return n.jobOver(m, plan, job)
		}
	}
	outcome := n.outcomeOf(n.life.Err())
	n.endJob(plan, job, outcome)
	return outcome
}

// jobConfig is how the job is looked after. A worker's is nobody's first place to
// look for why a run has failed: its last lines are kept, for the head.
func (n *node) jobConfig() launch.ProcessConfig {
	c := launch.ProcessConfig{
		Name: "job", Log: n.log, Group: n.group, Blocked: uint64(n.origin.Blocked), Closed: n.origin.Closed,
		OnStop: n.suspend,
	}
	if n.rankNow() > 0 {
		c.TailLines, c.Copied = tailLines, true
	}
	return c
}

// suspend is for a job that was stopped, with Ctrl-Z say.
func (n *node) suspend() {
	if err := n.link.Suspend(); err != nil {
		n.log.Debug("the supervisor can't be suspended", zap.Error(err))
	}
}

// jobOutcome is what the end of the job means for the run.
func (n *node) jobOutcome(job *launch.Process) rendezvous.Outcome {
	status := job.Status()
	code := signals.ExitCode(status)
	o := n.outcome(code, fmt.Sprintf("the job exited with code %d", code))
	o.Job = true
	if status.Signaled() {
		o.Cause = "the job was killed by " + signals.Name(status.Signal())
	}
	if o.Code != 0 {
		o.Cause += wantOfMemory(status, n.oomKills, oomKills())
	}
	request, stopping := n.stop.requested()
	lost, cause, unanswered := n.stop.leftUnanswered()
	switch {
	case unanswered:
		o.Code, o.Cause = lost, cause
	case stopping && n.stop.killedJob():
		o.Cause = fmt.Sprintf("the job did not end within SYMINIT_STOP_TIMEOUT=%s after %s and was killed", n.cfg.StopTimeout, request)
	case stopping:
		o.Cause += fmt.Sprintf(", after %s", request)
	case code == 0 && n.service():
		o.Code, o.Cause = 1, "the server ended unasked with code 0, which counts as 1; SYMINIT_SERVICE=false lets it"
	}
	if o.Code != 0 && !stopping {
		o.Tail = job.Tail()
	}
	return o
}

// service reports whether the job is a server: one that is not meant to end by
// itself. vLLM's exits with 0 when its engine dies
// (https://github.com/vllm-project/vllm/issues/48966).
func (n *node) service() bool {
	switch n.cfg.Service {
	case config.ServiceTrue:
		return true
	case config.ServiceFalse:
		return false
	}
	return launch.IsVLLMServe(n.args)
}

// announce writes the last line: who ended the run and why. The supervisor has it
// too, for it may have something to say of what the job has left.
func (n *node) announce(o rendezvous.Outcome) {
	n.showTail(o)
	text := "run over: " + o.Cause
	named := strings.Contains(o.Cause, "head "+o.Node+" (") || strings.Contains(o.Cause, "node "+o.Node+" (rank")
	if o.Rank >= 0 && o.Rank != n.rankNow() && !named {
		text += fmt.Sprintf(" (rank %d, %s)", o.Rank, o.Node)
	}
	text += fmt.Sprintf("; exit code %d", o.Code)
	level := zapcore.InfoLevel
	switch {
	case o.Code == 0 && n.runtime == launch.None:
		level = zapcore.DebugLevel
	case o.Code >= CodeConfig && o.Code <= CodeRefused:
		level = zapcore.ErrorLevel
	}
	if entry := n.log.Check(level, text); entry != nil {
		entry.Write()
		if err := n.link.LastLine(level, text); err != nil {
			n.log.Debug(err.Error())
		}
	}
}

// showTail shows the last lines of what has failed, unless it was this node's job,
// whose output is there already.
func (n *node) showTail(o rendezvous.Outcome) {
	if o.Job && o.Rank == n.rankNow() {
		return
	}
	for _, line := range o.Tail {
		n.log.Error("| " + line)
	}
}
