package agent

import (
	"net/netip"
	"slices"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/launch"
)

// chooseRuntime finds out what the image brings and what carries the job.
func (n *node) chooseRuntime() (err error) {
	n.runtime = n.cfg.Runtime
	if n.runtime == config.RuntimeNone || n.runtime == config.RuntimeAuto && n.cfg.Nodes == 1 {
		n.runtime = launch.None
		return nil
	}
	n.image = launch.Inspect(n.environ, n.cfg.RayBin)
	if n.runtime == config.RuntimeAuto {
		if n.runtime, err = launch.RuntimeFor(n.cfg.Nodes, n.args, n.image); err != nil {
			return &failure{code: CodeConfig, err: err}
		}
	}
	err = n.cfg.Suits(n.runtime)
	if err == nil {
		err = launch.CheckVLLMPort(n.args, n.environ)
	}
	if err == nil {
		err = n.checkCommand()
	}
	if err != nil {
		return &failure{code: CodeConfig, err: err}
	}
	return nil
}

// checkCommand refuses what no roster could make right, before the others are
// waited for.
func (n *node) checkCommand() error {
	if err := launch.CheckReferences(n.args); err != nil {
		return err
	}
	switch n.runtime {
	case launch.Ray:
		if err := launch.CheckStartArgs(n.cfg.RayStartArgs); err != nil {
			return err
		}
		if err := launch.CheckRayJob(n.args, n.cfg.Nodes); err != nil {
			return err
		}
		port := n.cfg.RayPort
		if n.cfg.Role == config.RoleWorker { // which has Ray's port from the head
			port = 0
		}
		return launch.CheckRayPorts(port, n.cfg.RayStartArgs)
	case launch.MP:
		// Any addresses do; what is fixed for one rank shows on the last one.
		addrs := slices.Repeat([]netip.Addr{netip.IPv4Unspecified()}, n.cfg.Nodes)
		for _, rank := range []int{0, n.cfg.Nodes - 1} {
			if _, err := launch.NewPlan(launch.Spec{Runtime: n.runtime, Job: n.args, Env: n.environ, Rank: rank, Addrs: addrs}); err != nil {
				return err
			}
		}
	}
	return nil
}

// onEveryNode reports whether each node runs the job, not only the head.
func (n *node) onEveryNode() bool { return n.runtime == launch.MP || n.runtime == launch.SPMD }
