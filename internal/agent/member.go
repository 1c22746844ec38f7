package agent

import (
	"context"
	"encoding/json"
	"net/netip"
	"syscall"

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
	// Settle makes o the outcome of the run on every node, as far as they can
	// be reached before ctx ends, and returns the outcome that holds: the
	// head's, if this node is not the head.
	Settle(ctx context.Context, o rendezvous.Outcome) rendezvous.Outcome
	Close() error
}

// alone is a run of one node: nobody to agree with.
type alone struct {
	name    string
	addr    netip.Addr
	payload json.RawMessage
}

func (a alone) Agree(context.Context) (rendezvous.Roster, int, error) {
	return rendezvous.Roster{Nodes: []rendezvous.Node{{Name: a.name, Addr: a.addr}}, Payload: a.payload}, 0, nil
}

func (alone) Ready(context.Context) error { return nil }

func (alone) Stop(syscall.Signal) bool { return false }

func (alone) Settle(_ context.Context, o rendezvous.Outcome) rendezvous.Outcome { return o }

func (alone) Close() error { return nil }
