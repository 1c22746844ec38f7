package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/hostnet"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/rendezvous"
)

// enlist makes this node a member of the run: alone, head or worker.
func (n *node) enlist() (member, error) {
	if err := n.chooseRuntime(); err != nil {
		return nil, err
	}
	if n.runtime == launch.None {
		return alone{resume: n.resume}, nil
	}
	host, err := hostnet.Local()
	if err != nil {
		return nil, fmt.Errorf("%w; does a seccomp profile forbid AF_NETLINK sockets?", err)
	}
	n.host = host
	if n.cfg.Preflight != config.PreflightOff {
		n.beginSurvey()
	}
	ctx, cancel := context.WithDeadline(n.life, n.joinBy)
	defer cancel()
	if n.cfg.Nodes == 1 {
		return n.enlistAlone(ctx, host)
	}
	if n.listener != nil {
		return n.enlistHead(n.id, n.listener)
	}
	id, err := n.identify(ctx, host)
	if err != nil {
		return nil, err
	}
	if !id.head {
		n.log.Info("this node is a worker: " + id.why)
		return n.enlistWorker(id, nil), nil
	}
	listener, err := listen(n.cfg.Port)
	switch {
	case err == nil:
		n.log.Info("this node is the head: " + id.why)
		return n.enlistHead(id, listener)
	case errors.Is(err, syscall.EADDRINUSE) && n.cfg.Role == config.RoleAuto:
		// Another node on this host may have been faster, or an earlier run's
		// head may not have left yet; if it isn't a syminit, joining says so.
		port := &takenPort{number: n.cfg.Port, holder: hostnet.Listener(n.cfg.Port)}
		n.log.Info(port.String() + ": joining as a worker, unless it becomes free")
		n.waiting.doubt(port.doubt())
		return n.enlistWorker(id, port), nil
	default:
		return nil, failf(CodeConfig, "SYMINIT_PORT=%d: %w; free the port, or set another one on every node", n.cfg.Port, err)
	}
}

func (n *node) enlistAlone(ctx context.Context, host *hostnet.Host) (member, error) {
	addr, err := n.soloAddr(host)
	if err != nil {
		return nil, err
	}
	if n.cfg.Head != "" {
		id, err := n.identify(ctx, host)
		if err != nil {
			return nil, err
		}
		if !id.head {
			return nil, failf(CodeConfig, "SYMINIT_NODES is 1, but this node isn't the head: %s; set SYMINIT_NODES (--min-nodes) to the number of nodes", id.why)
		}
		if id.addr.IsValid() {
			addr = id.addr
		}
	}
	if n.look != nil {
		if err := n.approve(rendezvous.Node{Name: n.name, Addr: addr}, nil); err != nil {
			return nil, err
		}
	}
	return alone{resume: n.resume, name: n.name, addr: addr, payload: n.orders()}, nil
}

func (n *node) enlistHead(id identity, listener net.Listener) (member, error) {
	self := n.self()
	self.Addr, self.Rank = id.addr, 0
	if n.look != nil {
		n.attend()
	}
	head, err := rendezvous.NewHead(rendezvous.HeadConfig{
		Listener: listener, KeepOpen: n.cfg.Restarts != 0, Was: n.was, NotBefore: n.resume, HeldUntil: n.heldUntil(),
		Approve: n.approver(),
		Secret:  n.cfg.Token.Reveal(), Self: self, Nodes: n.cfg.Nodes, MaxNodes: n.cfg.MaxNodes, Names: n.facts.Names,
		Rejoin: n.cfg.OnLoss == config.OnLossIgnore,
		// Ray and vLLM tell nodes apart by their addresses.
		UniqueAddrs: n.runtime != launch.SPMD,
		LostAfter:   n.cfg.LostAfter, Payload: n.orders(), Progress: n.waiting.update, Log: n.log,
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if n.cfg.Restarts != 0 {
		n.listener, n.id = listener, id
	}
	n.waiting.update(rendezvous.Progress{Stage: rendezvous.Gathering, Have: 1, Want: n.cfg.Nodes})
	m := headMember{Head: head, log: n.log, late: n.late, orphan: n.stop.orphan, spreads: n.onEveryNode(), othersDone: make(chan struct{}), goesOn: func() bool { return n.cfg.OnLoss == config.OnLossIgnore && n.ready.Load() }}
	go m.watch(n.end, n.stops)
	return m, nil
}

// enlistWorker makes this node a worker; until it has joined, only as long as
// port, if there is one, is taken.
func (n *node) enlistWorker(id identity, port *takenPort) member {
	self := n.self()
	self.Addr = id.addr
	address := net.JoinHostPort(n.cfg.Head, strconv.Itoa(int(n.cfg.Port)))
	return &workerMember{
		log: n.log, end: n.end, stops: n.stops, decided: make(chan struct{}), met: n.waiting.met, port: port,
		join: rendezvous.WorkerConfig{
			Dial: n.surveyed(newHeadDialer(n.facts, n.cfg.Head, n.cfg.Port).dial), Head: address, Secret: n.cfg.Token.Reveal(), Self: self, Was: n.place,
			Report: n.report(id.addr), Progress: n.waiting.update, Log: n.log,
		},
	}
}

// self is this node as the others see it.
func (n *node) self() rendezvous.Node {
	return rendezvous.Node{Name: n.name, Rank: n.cfg.Rank, Match: n.matches()}
}
