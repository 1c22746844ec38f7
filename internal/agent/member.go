package agent

import (
	"context"
	"encoding/json"
	"net/netip"
	"syscall"
	"time"

	"github.com/syminit/syminit/rendezvous"
)

// A member is this node's part in the run: head, worker, or alone.
type member interface {
	// Agree blocks until the roster is fixed, and returns this node's rank too.
	Agree(ctx context.Context) (roster rendezvous.Roster, rank int, err error)
	// Ready says that this node's runtime is up and blocks until every node's is.
	Ready(ctx context.Context) error
	// Stop passes on that this node was told to stop. It reports false where
	// nobody else has to decide about that.
	Stop(s syscall.Signal) bool
	// Reached reports whether who decides about a stop has been there to hear it.
	Reached() bool
	// Spread passes on to the other nodes' jobs that this node's was told to
	// stop, where it is this node that decides.
	Spread(s syscall.Signal)
	// Done says that this node's job has ended well. It returns nil once every
	// node's has, where that is for this node to say, else why ctx has ended.
	Done(ctx context.Context) error
	// Settle makes o the outcome of the run on every node, as far as they can
	// be reached before ctx ends, and returns the outcome that holds: the
	// head's, if this node is not the head. Where it is for this node to say,
	// followed says whether another run follows.
	Settle(ctx context.Context, o rendezvous.Outcome, followed func(rendezvous.Outcome) rendezvous.Outcome) rendezvous.Outcome
	Close() error
}

// alone is a run of one node: nobody to agree with.
type alone struct {
	resume  time.Time // when the run may begin; zero: at once
	name    string
	addr    netip.Addr
	payload json.RawMessage
}

func (a alone) Agree(ctx context.Context) (rendezvous.Roster, int, error) {
	if wait := time.Until(a.resume); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return rendezvous.Roster{}, rendezvous.NoRank, context.Cause(ctx)
		}
	}
	return rendezvous.Roster{Nodes: []rendezvous.Node{{Name: a.name, Addr: a.addr}}, Payload: a.payload}, 0, nil
}

func (alone) Ready(context.Context) error { return nil }

func (alone) Stop(syscall.Signal) bool { return false }

func (alone) Reached() bool { return true }

func (alone) Spread(syscall.Signal) {}

func (alone) Done(context.Context) error { return nil }

func (alone) Settle(_ context.Context, o rendezvous.Outcome, followed func(rendezvous.Outcome) rendezvous.Outcome) rendezvous.Outcome {
	return followed(o)
}

func (alone) Close() error { return nil }
