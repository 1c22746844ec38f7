package agent

import (
	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/status"
)

// state is where this node is in the run.
//
//	gathering ──▶ agreed ──▶ starting ──▶ running ──▶ draining ──▶ done
//	    │            │           │                        ▲
//	    └────────────┴───────────┴── failure, TERM ───────┘
type state string

const (
	gathering state = "gathering"    // waiting for the nodes
	agreed    state = "agreed"       // the roster is fixed
	starting  state = "starting"     // the runtime comes up on every node
	running   state = status.Running // the job runs
	draining  state = "draining"     // the outcome is known; the nodes end
	done      state = "done"
)

// to is the one place where the state changes.
func (n *node) to(s state) {
	n.log.Debug("state", zap.String("from", string(n.state)), zap.String("to", string(s)))
	n.state = s
	n.board.Enter(string(s))
}
