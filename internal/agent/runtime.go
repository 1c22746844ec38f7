package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/launch/gcs"
	"github.com/syminit/syminit/rendezvous"
	"github.com/syminit/syminit/signals"
)

const (
	// watchEvery is how often a node looks for itself in Ray's list while the
	// job runs.
	watchEvery = time.Second
	// rayGrace is how long Ray has between TERM and KILL. The run is over by
	// then; there is nothing for it to save.
	rayGrace = 300 * time.Millisecond
	// rayLastWords is how long ray start may take to say itself that it failed.
	rayLastWords = 2 * time.Second
	// tailLines is how many of its last lines are shown of what has failed, Ray
	// or a worker's job.
	tailLines = 40
	// rayClientPort is where the head's Ray Client server listens by default.
	rayClientPort = 10001
)

// plan turns the roster and the head's orders into what this node does.
func (n *node) plan(roster rendezvous.Roster) (launch.Plan, error) {
	spec := launch.Spec{
		Runtime: n.runtime, Job: n.args, Env: config.ChildEnviron(n.environ), Rank: n.rankNow(),
		Addrs: make([]netip.Addr, len(roster.Nodes)),
	}
	if n.managed() {
		spec.Env = withoutManager(spec.Env)
	}
	for i, m := range roster.Nodes {
		spec.Addrs[i] = m.Addr
	}
	if n.runtime != launch.None {
		o, err := readOrders(roster.Payload)
		if err != nil {
			return launch.Plan{}, err
		}
		spec.Inherited, spec.Interface = o.Env, n.interfaceOf(spec.Addrs[spec.Rank])
		if n.runtime == launch.Ray {
			if spec.Ray, err = n.raySpec(spec, o); err != nil {
				return launch.Plan{}, err
			}
		}
	}
	plan, err := launch.NewPlan(spec)
	if err != nil {
		return launch.Plan{}, &failure{code: CodeConfig, err: err}
	}
	for _, line := range plan.Warnings {
		n.log.Warn(line)
	}
	if plan.Job != nil {
		// Now, not when every node's runtime has come up for it.
		return plan, plan.Job.Find()
	}
	return plan, nil
}

// interfaceOf is the interface that carries this node's address, for NCCL and
// Gloo; empty if it is not to be had.
func (n *node) interfaceOf(own netip.Addr) string {
	if n.cfg.Interface != "" {
		return n.cfg.Interface
	}
	name, err := n.host.InterfaceOf(own)
	if err != nil {
		n.log.Warn("NCCL and Gloo are told no interface: " + err.Error())
	}
	return name
}

func (n *node) raySpec(spec launch.Spec, o orders) (launch.RaySpec, error) {
	ray := launch.RaySpec{
		Bin: n.cfg.RayBin, Python: n.image.RayPython, Version: n.image.Ray, Port: o.RayPort, StartArgs: n.cfg.RayStartArgs, Dashboard: n.cfg.RayDashboard,
	}
	if spec.Rank == 0 && n.image.GRPC {
		port, err := portNear(rayClientPort)
		if err != nil {
			return ray, failf(CodeRuntime, "find a port for the Ray Client server: %w", err)
		}
		ray.ClientPort = port
	}
	token, given, err := launch.RayToken(spec.Env)
	switch {
	case err != nil:
		return ray, &failure{code: CodeConfig, err: err}
	case given:
		n.rayToken = token
		return ray, nil
	case n.cfg.Insecure && n.cfg.Nodes > 1:
		return ray, nil
	}
	if n.rayToken, err = rayToken(n.cfg.Token, n.run); err != nil {
		return ray, err
	}
	ray.TokenPath, n.removeToken, err = writeSecret(n.rayToken)
	return ray, err
}

// bringUp starts what carries the job and returns it once every node's is up.
// The runtime is returned with an error too: it may have to be ended.
func (n *node) bringUp(m member, plan launch.Plan) (*launch.Process, error) {
	if plan.Runtime == nil {
		if err := m.Ready(n.life); err != nil || n.runtime == launch.None {
			return nil, err
		}
		n.ready.Store(true)
		n.log.Info("every node is ready, starting the command: " + strings.Join(config.MaskSecrets(plan.Job.Argv), " "))
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(n.life, n.cfg.StartTimeout)
	defer cancel()
	client := gcs.New(gcs.Config{Addr: plan.Ready.GCS, Token: n.rayToken})
	p, old, err := n.startRuntime(ctx, plan, client)
	if err != nil {
		return p, err
	}
	ready := *plan.Ready
	ready.Old = old
	if err := launch.AwaitAlive(ctx, client, ready); err != nil {
		return p, n.startError(p, "Ray is not up", err)
	}
	if err := m.Ready(ctx); err != nil {
		return p, n.startError(p, "not every node is ready", err)
	}
	n.ready.Store(true)
	n.log.Info("Ray is up on every node")
	// The first address is this node's own: the head's is the roster's first.
	go n.watchAlive(client, launch.Watch{Addr: ready.Addrs[0], Old: old, Every: watchEvery, Silence: n.cfg.LostAfter})
	return p, nil
}

// startRuntime starts what carries the job, as soon as it can get anywhere. It
// returns with it who was in its place before.
func (n *node) startRuntime(ctx context.Context, plan launch.Plan, client *gcs.Client) (p *launch.Process, old []string, err error) {
	await := func() error {
		if plan.After == nil { // its GCS is new, and knows nobody
			return rayPortFree(plan.Ready.GCS.Port())
		}
		err := launch.AwaitAlive(ctx, client, *plan.After)
		if err == nil {
			old, err = launch.Predecessors(ctx, client, *plan.Ready)
		}
		if err != nil {
			return n.startError(p, "the head's Ray isn't up; is its port open between the hosts?", err)
		}
		return nil
	}
	if plan.Runtime.Held == nil {
		if err := await(); err != nil {
			return nil, nil, err
		}
	}
	n.log.Info("starting Ray: " + strings.Join(config.MaskSecrets(plan.Runtime.Argv), " "))
	p, err = launch.Start(*plan.Runtime, launch.ProcessConfig{Name: "ray", Log: n.log, TailLines: tailLines, Blocked: uint64(n.origin.Blocked)})
	if err != nil {
		return nil, nil, failf(CodeRuntime, "%w; SYMINIT_RAY_BIN names another one", err)
	}
	go n.watchRuntime(p)
	go n.watchStart(ctx, p)
	if plan.Runtime.Held != nil {
		if err := await(); err != nil {
			return p, nil, err
		}
		p.Release()
	}
	return p, old, nil
}

// startError gives a runtime's code, and Ray's last lines, to what was not up
// in time. A node that was lost meanwhile keeps its own code.
func (n *node) startError(ray *launch.Process, what string, err error) error {
	var lost *rendezvous.LostError
	var over *rendezvous.EndedError
	if errors.As(err, &lost) || errors.As(err, &over) {
		return err
	}
	f := failf(CodeRuntime, "%s within SYMINIT_START_TIMEOUT=%s: %w", what, n.cfg.StartTimeout, err)
	if errors.Is(err, gcs.ErrToken) {
		f = failf(CodeRuntime, "Ray refuses this node's token: %w; set RAY_AUTH_TOKEN to the same on every node, or on none", err)
	}
	if ray != nil {
		f.tail = ray.Tail()
	}
	return f
}

// rayPortFree looks before Ray does: ray start takes 41 s to say that its port
// is taken (measured with Ray 2.60).
func rayPortFree(port uint16) error {
	err := portFree(port)
	if errors.Is(err, syscall.EADDRINUSE) {
		return failf(CodeRuntime, "SYMINIT_RAY_PORT=%d is taken on the head; free it (is another Ray running?), or set another port", port)
	}
	if err != nil {
		return failf(CodeRuntime, "SYMINIT_RAY_PORT=%d: %w; set another port", port, err)
	}
	return nil
}

// portFree reports by its error why nobody could listen at port now.
func portFree(port uint16) error {
	l, err := listen(port)
	if err != nil {
		return err
	}
	return l.Close()
}

// portNear returns port if it is free, else another one that is.
func portNear(port uint16) (uint16, error) {
	l, err := listen(port)
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = listen(0)
	}
	if err != nil {
		return 0, err
	}
	return uint16(l.Addr().(*net.TCPAddr).Port), l.Close()
}

func listen(port uint16) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(int(port))))
}

// watchRuntime ends the run when this node's Ray ends.
func (n *node) watchRuntime(p *launch.Process) {
	<-p.Done()
	code, what := CodeRuntime, "did not start"
	if n.ready.Load() {
		code, what = CodeLost, "died"
	}
	o := n.outcome(code, fmt.Sprintf("Ray %s on node %s (rank %d): ray start ended, %s", what, n.name, n.rankNow(), describeStatus(p.Status())))
	o.Tail = p.Tail()
	n.end(o)
}

// watchStart ends the run when Ray can't come up any more on this node, until
// ctx ends. Ray's own account of it is better, and has a moment to come.
func (n *node) watchStart(ctx context.Context, p *launch.Process) {
	var death *launch.DeathError
	if !errors.As(launch.AwaitDeath(ctx, p, watchEvery/4), &death) {
		return
	}
	moment := time.NewTimer(rayLastWords)
	defer moment.Stop()
	select {
	case <-p.Done(): // see watchRuntime
	case <-ctx.Done():
	case <-moment.C:
		o := n.outcome(CodeRuntime, fmt.Sprintf("Ray did not start on node %s (rank %d): %v", n.name, n.rankNow(), death))
		o.Tail = append(p.Tail(), death.Log...)
		n.end(o)
	}
}

func describeStatus(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "killed by " + signals.Name(status.Signal())
	}
	return fmt.Sprintf("exit code %d", status.ExitStatus())
}

// watchAlive ends the run when Ray has lost this node without ray start
// noticing.
func (n *node) watchAlive(client *gcs.Client, w launch.Watch) {
	defer client.Close()
	if err := launch.WatchAlive(n.life, client, w); err != nil {
		n.end(n.outcome(CodeLost, fmt.Sprintf("Ray died on node %s (rank %d): %v", n.name, n.rankNow(), err)))
	}
}
