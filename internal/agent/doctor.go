package agent

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/hostnet"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/preflight"
	"github.com/syminit/syminit/rendezvous"
)

// doctorTime is how long a doctor waits for a name server and for the head.
const doctorTime = 3 * time.Second

// DoctorConfig is what a doctor examines.
type DoctorConfig struct {
	Args     []string // the job; empty: not known
	Environ  []string
	Settings *config.Config
	Wrong    error         // what is wrong with the settings, a line each
	Facts    cluster.Facts // what Place returned
	Version  string
	Here     string // what a run in this container does now; empty: there is none
	Others   string // that another user's is on this host; empty: there is none
}

// A doctor examines one node and joins nothing.
type doctor struct {
	*node
	here  string
	found []preflight.Finding
	lines strings.Builder // name, tab, what there is to say about it
}

// Doctor reports what a run on this node would find, for a person. It reports
// false where something would keep the run from starting.
func Doctor(c DoctorConfig) (report string, ok bool) {
	args, _ := launch.Undouble(c.Args)
	n := &node{
		cfg: c.Settings, facts: c.Facts, args: args, environ: c.Environ, version: c.Version, log: zap.NewNop(),
		name: nameOf(Config{Facts: c.Facts}), series: &series{},
	}
	n.rank.Store(rendezvous.NoRank)
	n.life = context.Background()
	d := &doctor{node: n, here: c.Here}
	d.settings(c.Wrong)
	if c.Here != "" {
		d.say("run", "one is here already: %s; so its ports aren't looked at", c.Here)
	}
	if c.Others != "" {
		d.say("run", "another user's is on this host: %s", c.Others)
	}
	own, head := netip.Addr{}, false
	d.image = launch.Inspect(n.environ, n.cfg.RayBin)
	if c.Wrong == nil {
		own, head = d.place()
	}
	d.beginSurvey()
	d.describe(d.factsAt(own, d.takenPorts(head)))
	return d.report()
}

func (d *doctor) say(name, format string, args ...any) {
	fmt.Fprintf(&d.lines, "%s\t%s\n", name, fmt.Sprintf(format, args...))
}

// failed notes an error that says what is wrong and, behind a semicolon, what to
// do about it.
func (d *doctor) failed(check string, err error) {
	text, fix, _ := strings.Cut(err.Error(), "; ")
	d.wrong(preflight.Error, check, text, fix)
}

func (d *doctor) wrong(s preflight.Severity, check, text, fix string) {
	d.found = append(d.found, preflight.Finding{Severity: s, Node: d.name, Check: check, Text: text, Fix: fix})
}

// settings shows those that somebody made.
func (d *doctor) settings(wrong error) {
	var set []string
	for _, v := range d.cfg.Values() {
		if v.Source != config.SourceDefault && v.Source != "" {
			set = append(set, fmt.Sprintf("%s=%s (%s)", v.Name, v.Text(), v.Source))
		}
	}
	if set == nil {
		set = []string{"none, all are the defaults: syminit config shows them"}
	}
	d.say("settings", "%s", strings.Join(set, ", "))
	if wrong != nil {
		for line := range strings.Lines(wrong.Error()) {
			text, next, _ := strings.Cut(strings.TrimSpace(line), "; next: ")
			d.wrong(preflight.Error, "settings", text, next)
		}
	} else {
		for _, line := range d.cfg.Warnings() {
			text, fix, _ := strings.Cut(line, "; ")
			d.wrong(preflight.Warning, "settings", text, fix)
		}
	}
	if d.facts.Source == "" {
		d.say("scheduler", "none")
		return
	}
	d.say("scheduler", "%s: %d nodes, this one has rank %d, the head is %s", d.facts.Source, d.facts.Nodes, d.facts.Rank, d.facts.Head)
	if !d.facts.End.IsZero() {
		d.say("", "it ends the job at %s", clock(d.facts.End))
	}
}

// place finds this node's part and address.
func (d *doctor) place() (own netip.Addr, head bool) {
	d.carrier()
	host, err := hostnet.Local()
	if err != nil {
		d.wrong(preflight.Error, "network", err.Error(), "allow AF_NETLINK sockets: does a seccomp profile forbid them?")
		return own, false
	}
	d.host = host
	if own, err = d.ownAddr(host); err != nil {
		d.failed("network", err)
		return own, false
	}
	if d.cfg.Nodes == 1 {
		if !own.IsValid() {
			own = host.DefaultAddr()
		}
		d.say("part", "the only node")
		return own, true
	}
	return d.among(own)
}

// carrier finds what carries the job. Without the job's command that may not be
// clear yet.
func (d *doctor) carrier() {
	err := d.chooseRuntime()
	switch {
	case err != nil && len(d.args) == 0:
		d.say("runtime", "depends on the command; name it: syminit doctor -- COMMAND")
	case err != nil:
		d.failed("runtime", err)
	case d.runtime == launch.Ray && d.image.RayBin == "":
		d.say("runtime", "%s", d.runtime)
		d.wrong(preflight.Error, "runtime", "the image has no command "+d.cfg.RayBin, "install it (pip install ray), or name it with SYMINIT_RAY_BIN")
	default:
		d.say("runtime", "%s", d.runtime)
	}
}

// among finds this node's part among several, as identify and enlist do.
func (d *doctor) among(own netip.Addr) (netip.Addr, bool) {
	ctx, cancel := context.WithTimeout(d.life, doctorTime)
	defer cancel()
	head, why := d.cfg.Role == config.RoleHead, "SYMINIT_ROLE="+d.cfg.Role
	if d.cfg.Role == config.RoleAuto {
		answer, err := d.host.IsHead(ctx, d.resolver(), d.cfg.Head, d.name)
		if err != nil {
			d.wrong(preflight.Error, "network", err.Error(), "set SYMINIT_HEAD to the head's address, or SYMINIT_ROLE=head on the head")
			return own, false
		}
		head, why = answer.Yes, answer.Why
	} else if err := d.checkHead(ctx, d.host); err != nil {
		d.failed("network", err)
	}
	if err := d.checkZone(d.host); err != nil {
		d.failed("network", err)
		return own, head
	}
	if head {
		d.say("part", "the head: %s", why)
		if !own.IsValid() {
			own = d.host.DefaultAddr()
		}
		if d.here == "" && portFree(d.cfg.Port) != nil {
			port := takenPort{number: d.cfg.Port, holder: hostnet.Listener(d.cfg.Port)}
			d.wrong(preflight.Error, "ports", port.String()+", where the nodes meet", "end what has it (ss -ltnp), or set another SYMINIT_PORT on every node")
		}
		return own, true
	}
	d.say("part", "a worker: %s", why)
	conn, err := newHeadDialer(d.facts, d.cfg.Head, d.cfg.Port).dial(ctx)
	if err != nil {
		d.say("head", "%s, port %d: no answer (%v); it may not run yet", d.cfg.Head, d.cfg.Port, err)
		return own, false
	}
	defer func() { _ = conn.Close() }()
	d.say("head", "%s answers at port %d", d.cfg.Head, d.cfg.Port)
	if !own.IsValid() {
		own = conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	}
	return own, false
}

// takenPorts is taken, where no run is here: that has its ports, and one that it
// is about to take must be free then.
func (d *doctor) takenPorts(head bool) []preflight.Port {
	if d.here != "" {
		return nil
	}
	return d.taken(head)
}

// describe shows the facts, and judges them.
func (d *doctor) describe(f preflight.Facts) {
	if d.here != "" {
		f.Shm.Free = f.Shm.Total // as for the ports: it is that run's
	}
	for _, line := range f.Lines() {
		d.say(line.Name, "%s", line.Text)
	}
	d.found = append(d.found, preflight.Judge(d.judgeBy(), []preflight.Node{{Name: d.name, Facts: f}})...)
}

func (d *doctor) report() (text string, ok bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "syminit %s on %s\n\n", d.version, d.name)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = w.Write([]byte(d.lines.String()))
	_ = w.Flush()
	rows := preflight.Rows(d.found)
	if len(rows) == 0 {
		b.WriteString("\nnothing wrong found\n")
		return b.String(), true
	}
	fmt.Fprintf(&b, "\n%s:\n", preflight.Count(rows))
	for _, r := range rows {
		fmt.Fprintf(&b, "  %s: %s: %s\n", r.Severity, r.Check, r.Text)
		if r.Fix != "" {
			fmt.Fprintf(&b, "    next: %s\n", r.Fix)
		}
	}
	return b.String(), rows[0].Severity < preflight.Error
}
