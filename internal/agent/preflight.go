package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/preflight"
	"github.com/syminit/syminit/rendezvous"
)

// surveyTime is how long a look at this node may take. It takes milliseconds, and
// longer only where a file system doesn't answer.
const surveyTime = 2 * time.Second

// A survey is what this node finds out about itself while it looks for the
// others.
type survey struct {
	host  preflight.Host
	done  chan struct{}
	facts preflight.Facts // once done is closed

	// Of a worker: where it has reached the head last, and what it couldn't reach at
	// each address of the head's.
	head   netip.Addr
	barred map[netip.Addr][]preflight.Port
}

func newSurvey(h preflight.Host) *survey {
	return &survey{host: h, done: make(chan struct{}), barred: map[netip.Addr][]preflight.Port{}}
}

// beginSurvey begins to look at this node.
func (n *node) beginSurvey() {
	s := newSurvey(preflight.Local(config.ChildEnviron(n.environ)))
	request := preflight.Request{
		Model: launch.ModelOf(n.args), RayTemp: launch.RayTemp(n.cfg.RayStartArgs),
		Versions: map[string]string{
			"Ray": n.image.Ray, "vLLM": n.image.VLLM, "Python": n.image.Python, "torch": n.image.Torch,
		},
	}
	go func() {
		defer close(s.done)
		ctx, cancel := context.WithTimeout(n.life, surveyTime)
		defer cancel()
		s.facts = preflight.Survey(ctx, s.host, request)
	}()
	n.look = s
}

// factsAt is what this node knows of itself, with what depends on its address.
func (n *node) factsAt(own netip.Addr, taken []preflight.Port) preflight.Facts {
	<-n.look.done
	f := n.look.facts
	f.Taken = taken
	if n.host != nil && own.IsValid() && !own.IsLoopback() {
		if iface, err := n.host.InterfaceOf(own); err == nil {
			f.Link = preflight.LinkOf(n.look.host, iface, n.host.Usable())
		}
	}
	return f
}

// taken are the ports that this node's part of the run needs and something else
// has. To find out takes each port for a moment, in which whatever the run starts
// must not want it.
func (n *node) taken(head bool) []preflight.Port {
	return preflight.Ports(n.look.host, n.ports(head))
}

// ports are those that this node's part of the run needs free.
func (n *node) ports(head bool) []preflight.Port {
	var ports []preflight.Port
	if head {
		ports = n.meeting()
	}
	if n.runtime == launch.Ray {
		given := launch.RayPorts(n.cfg.RayStartArgs)
		for _, option := range slices.Sorted(maps.Keys(given)) {
			ports = append(ports, preflight.Port{Number: given[option], For: "Ray (" + option + " in SYMINIT_RAY_START_ARGS)"})
		}
	}
	if head || n.serves() {
		for _, p := range launch.ServePorts(n.args, n.cfg.Nodes) {
			ports = append(ports, preflight.Port{Number: p.Port, For: "vllm serve (" + p.Option + ")"})
		}
	}
	return ports
}

// serves reports whether a node that isn't the head has a server too, if the command
// is one.
func (n *node) serves() bool {
	return n.runtime == launch.SPMD || n.runtime == launch.MP && launch.ServesEverywhere(n.args, n.cfg.Nodes)
}

// report is what a worker tells the head of itself; addr is its own, where it is
// known beforehand.
func (n *node) report(addr netip.Addr) func(own netip.Addr) json.RawMessage {
	if n.look == nil {
		return nil
	}
	return func(own netip.Addr) json.RawMessage {
		if addr.IsValid() {
			own = addr
		}
		f := n.factsAt(own, n.taken(false))
		f.Barred, f.BarredAt = n.look.barred[n.look.head], n.look.head
		return f.Encode()
	}
}

// approve shows what is wrong with the nodes, and decides whether the run goes
// on. It waits for nothing but with PREFLIGHT=fail.
func (n *node) approve(self rendezvous.Node, reports []rendezvous.Report) error {
	n.doorman.leave()
	if n.cfg.Preflight == config.PreflightOff {
		return nil
	}
	taken, workers := n.taken(true), n.reported(self, reports)
	look := func() []preflight.Row {
		found := n.judge(self, taken, workers)
		if errs := preflight.Rows(preflight.AtLeast(preflight.Error, found)); len(errs) > 0 {
			reasons := preflight.Reasons(errs)
			n.found.Store(&reasons)
		}
		return n.show(found, 1+len(workers))
	}
	if n.cfg.Preflight == config.PreflightFail {
		rows := look()
		if len(rows) == 0 || rows[0].Severity < preflight.Error {
			return nil
		}
		return failf(CodeRuntime, "the run isn't started (SYMINIT_PREFLIGHT=fail): %s", preflight.Reasons(rows))
	}
	go look()
	return n.cutOff(self, workers)
}

// approver is approve, where this node looks at anything at all.
func (n *node) approver() func(rendezvous.Node, []rendezvous.Report) error {
	if n.look == nil {
		return nil
	}
	if n.cfg.Preflight == config.PreflightFail {
		<-n.look.done // so that approve waits for nothing when the head does for it
	}
	return n.approve
}

// reported is what the workers have told of themselves, those that had anything.
// That one can't reach a port counts where it is what this head meets at.
func (n *node) reported(self rendezvous.Node, reports []rendezvous.Report) []preflight.Node {
	var nodes []preflight.Node
	names := map[string]int{self.Name: 1}
	for _, r := range reports {
		names[r.Node.Name]++
	}
	for _, r := range reports {
		if r.Body == nil { // PREFLIGHT is off there
			continue
		}
		facts, err := preflight.Decode(r.Body)
		if err != nil {
			n.log.Warn("preflight: "+err.Error(), zap.String("node", r.Node.String()))
			continue
		}
		facts.Barred = slices.DeleteFunc(facts.Barred, func(p preflight.Port) bool {
			return facts.BarredAt.WithZone("") != self.Addr.WithZone("") || !slices.Contains(n.meetingAt(self.Addr), p)
		})
		name := r.Node.Name
		if names[name] > 1 {
			name = r.Node.String()
		}
		nodes = append(nodes, preflight.Node{Name: name, Facts: facts, Ahead: r.Ahead, Within: r.Within})
	}
	return nodes
}

// judge holds the nodes' facts against each other.
func (n *node) judge(self rendezvous.Node, taken []preflight.Port, workers []preflight.Node) []preflight.Finding {
	own := preflight.Node{Name: self.Name, Facts: n.factsAt(self.Addr, taken)}
	return preflight.Judge(n.judgeBy(), slices.Concat([]preflight.Node{own}, workers))
}

func (n *node) judgeBy() preflight.Settings {
	model := launch.ModelOf(n.args)
	return preflight.Settings{
		Ray: n.runtime == launch.Ray, VLLM: launch.IsVLLMServe(n.args), Deadline: surveyTime,
		Path: strings.HasPrefix(model, "/") || strings.HasPrefix(model, "."),
	}
}

// late shows what is wrong with a node that has come into a run that goes.
func (n *node) late(self rendezvous.Node, r rendezvous.Report) {
	if n.look == nil || r.Body == nil {
		return
	}
	found := n.judge(self, nil, n.reported(self, []rendezvous.Report{r})) // the run has the ports now
	n.show(slices.DeleteFunc(found, func(f preflight.Finding) bool { return f.Node == self.Name }), 1)
}

// show writes what was found to the log, the same once in a series of runs, and
// returns it.
func (n *node) show(found []preflight.Finding, nodes int) []preflight.Row {
	rows := preflight.Rows(preflight.AtLeast(preflight.Warning, found))
	text := "preflight: nothing wrong found"
	if nodes > 1 {
		text += fmt.Sprintf(" on %d nodes", nodes)
	}
	if len(rows) > 0 {
		text = "preflight: " + preflight.Count(rows) + "; SYMINIT_PREFLIGHT=off doesn't look"
	}
	table := text + "\n" + preflight.Table(rows)
	switch {
	case !n.fresh(table):
	case len(rows) == 0:
		n.log.Info(text)
	case n.cfg.LogFormat == "json":
		n.log.Warn(text)
		for _, r := range rows {
			n.log.Warn("preflight: "+r.Check+": "+r.Text, zap.Strings("nodes", r.Nodes), zap.Stringer("severity", r.Severity), zap.String("check", r.Check), zap.String("fix", r.Fix))
		}
	default:
		n.log.Warn(table)
	}
	return rows
}

// fresh reports whether a table is another one than the last that was shown.
func (s *series) fresh(table string) bool {
	last := s.shown.Swap(&table)
	return last == nil || *last != table
}
