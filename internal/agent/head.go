package agent

import (
	"context"
	"fmt"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/syminit/syminit/rendezvous"
)

// headMember is this node's part in a run that it leads.
type headMember struct {
	*rendezvous.Head
	log        *zap.Logger
	late       func(self rendezvous.Node, r rendezvous.Report) // told of a node that came later
	goesOn     func() bool                                     // the loss of a worker now is nothing to the job
	orphan     func() bool                                     // this node's supervisor is gone
	spreads    bool                                            // every node runs the job
	othersDone chan struct{}                                   // closed when every other node is done
}

func (h headMember) Agree(ctx context.Context) (rendezvous.Roster, int, error) {
	roster, err := h.Gather(ctx)
	return roster, 0, err
}

// Stop reports false: the head itself decides.
func (headMember) Stop(syscall.Signal) bool { return false }

func (headMember) Reached() bool { return true }

func (h headMember) Spread(s syscall.Signal) {
	if !h.spreads {
		return
	}
	if err := h.Head.Spread(s); err != nil {
		h.log.Error("telling the other nodes to stop", zap.Error(err)) // a number: cannot happen
	}
}

func (h headMember) Done(ctx context.Context) error {
	select {
	case <-h.othersDone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (h headMember) Settle(ctx context.Context, o rendezvous.Outcome, followed func(rendezvous.Outcome) rendezvous.Outcome) rendezvous.Outcome {
	o = followed(o)
	if h.orphan() {
		// To the workers this head is lost, and each decides what follows from
		// that. An outcome would end them, restarts or not.
		_ = h.Close()
		return o
	}
	if silent := h.Finish(ctx, o); len(silent) > 0 {
		h.log.Warn("did not hear that the run is over: " + nodeNames(silent))
	}
	return o
}

// watch turns what workers report into the end of the run, and returns when
// the head is closed.
func (h headMember) watch(end func(rendezvous.Outcome), stops chan<- stopRequest) {
	done := 0
	for e := range h.Events() {
		switch e := e.(type) {
		case rendezvous.Lost:
			if h.goesOn() {
				h.log.Warn("lost a node, and the run goes on without it (SYMINIT_ON_LOSS=ignore)", zap.String("node", describeNode(e.Node)), zap.String("reason", e.Reason))
				continue
			}
			end(rendezvous.Outcome{
				Code: CodeLost, Rank: e.Node.Rank, Node: e.Node.Name,
				Cause: fmt.Sprintf("lost node %s: %s; its own log may say why", describeNode(e.Node), e.Reason),
			})
		case rendezvous.Failed:
			// Whatever it sent: a failure is none of 0, and an exit code is a byte.
			if e.Outcome.Code <= 0 || e.Outcome.Code > 255 {
				e.Outcome.Code = CodeInternal
			}
			if h.goesOn() {
				h.log.Warn("a node failed, and the run goes on without it (SYMINIT_ON_LOSS=ignore): "+e.Outcome.Cause, zap.String("node", e.Outcome.Node), zap.Int("rank", e.Outcome.Rank))
				continue
			}
			end(e.Outcome)
		case rendezvous.Done:
			if done++; done == len(h.Roster().Nodes)-1 {
				close(h.othersDone)
			}
		case rendezvous.Joined: // the log has it
			h.late(h.Roster().Nodes[0], e.Report)
		case rendezvous.Stopped:
			stops <- stopRequest{signal: e.Signal, from: "node " + describeNode(e.Node)}
		}
	}
}

func describeNode(n rendezvous.Node) string {
	if n.Rank == rendezvous.NoRank {
		return n.String()
	}
	return fmt.Sprintf("%s (rank %d, %s)", n.Name, n.Rank, n.Addr)
}

func nodeNames(nodes []rendezvous.Node) string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = describeNode(n)
	}
	return strings.Join(names, ", ")
}
