package agent

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/status"
	"github.com/syminit/syminit/rendezvous"
)

// statusOff is SYMINIT_STATUS_ADDR where nobody asks for a server.
const statusOff = "off"

// showAfter is when a run can be seen at the latest. A command that takes less
// than that has nobody who would look.
const showAfter = 50 * time.Millisecond

// show makes the board that this node's state is seen on, with a server where
// one is asked for.
func show(c Config) (*status.Board, error) {
	var listener net.Listener
	if addr := c.Settings.StatusAddr; addr != statusOff {
		var err error
		if listener, err = net.Listen("tcp", addr); err != nil {
			next := "give an address of this host, or none, as in :9090"
			if errors.Is(err, syscall.EADDRINUSE) {
				next = "free it, or set another one"
			}
			return nil, failf(CodeConfig, "SYMINIT_STATUS_ADDR=%s: %w; %s", addr, err, next)
		}
	}
	board := status.New(status.Config{Version: c.Version, Node: nameOf(c), Nodes: c.Settings.Nodes, Delay: showAfter, Now: time.Now, Log: c.Log})
	if listener != nil {
		board.Serve(listener)
	}
	return board, nil
}

// showRun shows what the nodes have agreed, and where the job will say whether
// it serves.
func (n *node) showRun(roster rendezvous.Roster, plan launch.Plan) {
	nodes := make([]status.Node, len(roster.Nodes))
	for i, m := range roster.Nodes {
		nodes[i] = status.Node{Rank: i, Name: m.Name}
		if i == n.rankNow() {
			nodes[i].Name = n.name // a node alone has told nobody
		}
		if m.Addr.IsValid() {
			nodes[i].Addr = m.Addr.String()
		}
	}
	var health *status.Health
	if plan.Job != nil {
		if h, ok := launch.VLLMHealth(plan.Job.Argv); ok {
			health = (*status.Health)(&h)
		}
	}
	n.board.Update(func(s *status.State) {
		s.Run, s.Rank, s.Runtime, s.Health = n.run, n.rankNow(), n.runtime, health
		s.List(nodes)
	})
}
