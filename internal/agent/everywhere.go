package agent

import (
	"fmt"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/rendezvous"
)

// headlessGrace is how long a headless node's job has between TERM and KILL once
// the head's has ended: it has nothing left to save, and would take 10 to 16 s
// (vLLM 0.32).
const headlessGrace = 300 * time.Millisecond

// When vLLM is told to stop a second time: one that starts its engine or waits
// for a peer doesn't listen to the first, and then takes 4 to 7 s to end. One that
// serves and is ending ignores it (vllm/entrypoints/launchers/launcher.py and
// cli/serve.py, 0.32), but for its last moments.
const (
	tellAgainAfter = 2 * time.Second
	tellAgainSoon  = 500 * time.Millisecond // one that doesn't serve yet
)

// jobStop is how this node's job is told to stop.
func (n *node) jobStop(plan launch.Plan) jobStop {
	how := jobStop{headless: plan.Headless, again: launch.IsVLLMServe(n.args)}
	if health := n.board.Read().Health; health != nil {
		how.server, how.abrupt = health, n.runtime == launch.Ray && launch.UsesRay(plan.Job.Argv)
	}
	return how
}

// jobOver is what the end of this node's job means for the run. Where each node
// has one, the first failure is the run's, and 0 is only what all end with: a
// node that has done its part waits for the others. A headless node waits for
// the head, as soon as the run is being stopped whatever its code.
func (n *node) jobOver(m member, plan launch.Plan, job *launch.Process) rendezvous.Outcome {
	o := n.jobOutcome(job)
	_, stopping := n.stop.requested()
	switch {
	case n.runtime == launch.SPMD && o.Code == 0:
	case n.runtime == launch.MP && n.rankNow() > 0 && (o.Code == 0 || plan.Headless && stopping):
	default:
		return o
	}
	n.log.Info(o.Cause + "; the run goes on until the other nodes are done")
	n.stop.waitForOthers()
	if m.Done(n.life) == nil {
		o.Cause = "every node's job has ended with code 0"
		if request, stopping := n.stop.requested(); stopping {
			o.Cause += fmt.Sprintf(", after %s", request)
		}
		return o
	}
	return n.outcomeOf(n.life.Err())
}

// endJob ends this node's job, as the run is over. One that was killed already has
// the time to be gone, and where every node has a job and this one has been told to
// stop, it has the time that it was given then: the stop ends it.
func (n *node) endJob(plan launch.Plan, job *launch.Process, o rendezvous.Outcome) {
	level := zapcore.WarnLevel
	if o.Code == 0 {
		level = zapcore.InfoLevel
	}
	n.log.Log(level, "the run is over, ending the job: "+o.Cause)
	if n.stop.killedJob() || n.onEveryNode() && n.stop.toldJob() {
		select {
		case <-job.Done():
		case <-n.stop.patient.Done():
		}
		return
	}
	grace := failedJobGrace
	if plan.Headless {
		grace = headlessGrace
	}
	if left, stopping := n.stop.left(); stopping {
		grace = min(grace, max(left, 0))
	}
	job.Stop(grace)
}
