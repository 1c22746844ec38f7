package agent

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/preflight"
	"github.com/syminit/syminit/rendezvous"
)

// meeting are the head's ports where the other nodes' runtime reaches it.
func (n *node) meeting() []preflight.Port {
	switch {
	case n.runtime == launch.Ray:
		return []preflight.Port{{Number: n.cfg.RayPort, For: "Ray (SYMINIT_RAY_PORT)"}}
	case n.runtime == launch.MP && n.cfg.Nodes > 1:
		if m := launch.MeetingOf(n.args, n.cfg.Nodes); m.Port != 0 {
			return []preflight.Port{{Number: m.Port, For: "vLLM (" + m.Option + ")"}}
		}
	}
	return nil
}

// meetingAt is meeting, as far as it is at that address of the head's: the user may
// have had vLLM meet at another.
func (n *node) meetingAt(head netip.Addr) []preflight.Port {
	if n.runtime == launch.MP {
		switch launch.MeetingOf(n.args, n.cfg.Nodes).Addr {
		case "", n.cfg.Head, head.String():
		default:
			return nil
		}
	}
	return n.meeting()
}

// A doorman answers at the head's ports where all will meet, until they do: there are
// hosts that drop what comes to a port where nobody listens, and no node is to
// take that for a firewall.
type doorman struct {
	listeners []net.Listener
	at        sync.WaitGroup
	once      sync.Once
}

// attend has a port answered for that nobody has; where somebody has it, they answer.
func (n *node) attend() {
	d := &doorman{}
	for _, p := range n.meeting() {
		l, err := listen(p.Number)
		if err != nil {
			continue
		}
		d.listeners = append(d.listeners, l)
		d.at.Go(func() { greet(l) })
	}
	n.doorman = d
}

// greet takes connections and ends them so that the port is free at once for who
// comes next: reset, without a time to wait.
func greet(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

// leave frees the ports. Elsewhere than on a head, and a second time, it does nothing.
func (d *doorman) leave() {
	if d == nil {
		return
	}
	d.once.Do(func() {
		for _, l := range d.listeners {
			_ = l.Close()
		}
		d.at.Wait()
	})
}

// surveyed connects once this node has been looked at: the head has no time for
// one that is connected and says nothing. Nor does it wait for one that gets no
// answer where all will meet: that looks twice, a try to connect each.
func (n *node) surveyed(dial func(context.Context) (net.Conn, error)) func(context.Context) (net.Conn, error) {
	if n.look == nil {
		return dial
	}
	return func(ctx context.Context) (net.Conn, error) {
		<-n.look.done
		conn, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		far, ok := conn.RemoteAddr().(*net.TCPAddr)
		if !ok {
			return conn, nil
		}
		head := far.AddrPort().Addr().Unmap()
		barred := preflight.Barred(ctx, n.look.host, head, n.meetingAt(head))
		suspect := len(n.look.barred[head]) > 0
		n.look.head, n.look.barred[head] = head, barred
		if len(barred) == 0 {
			return conn, nil
		}
		_ = conn.Close()
		if !suspect {
			return nil, fmt.Errorf("it answers, and not at port %d, where %s meets: looking once more", barred[0].Number, barred[0].For)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", far.String()) // where it has to answer still
	}
}

// cutOff ends a run that can't work, whatever else it has.
func (n *node) cutOff(self rendezvous.Node, workers []preflight.Node) error {
	nodes := slices.Concat([]preflight.Node{{Name: self.Name}}, workers)
	if found := preflight.CutOff(nodes); len(found) > 0 {
		return failf(CodeRuntime, "the run isn't started, for it can't work: %s; SYMINIT_PREFLIGHT=off on the head goes on all the same", preflight.Reasons(preflight.Rows(found)))
	}
	return nil
}
