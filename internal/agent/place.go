package agent

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/internal/config"
)

// Place fills in what a scheduler tells of this node's place among the others:
// size, rank, head. It comes between Load and Resolve. What is set already
// keeps its value, and where that is enough a scheduler's variables that make
// no sense don't matter. command is the job's.
func Place(cfg *config.Config, environ, command []string) (cluster.Facts, error) {
	if cfg.Refused("SYMINIT_CLUSTER") || cfg.Runtime == config.RuntimeNone {
		return cluster.Facts{}, nil
	}
	hostname, _ := os.Hostname() // without one, no list has it
	facts, err := cluster.Find(cluster.Config{Source: cfg.Cluster, Environ: environ, Hostname: hostname, ReadFile: readList})
	if err != nil && cfg.Cluster == cluster.Auto && placed(cfg) {
		return cluster.Facts{}, nil
	}
	if err == nil && facts.Source == "" && cfg.Cluster == cluster.Auto && !cfg.Told("SYMINIT_NODES") {
		err = cluster.Partial(environ, command)
	}
	if err != nil || facts.Source == "" {
		return facts, err
	}
	vars := told(cfg, facts)
	head := map[string]string{"SYMINIT_HEAD": vars["SYMINIT_HEAD"]}
	if err = cfg.Fill(facts.Source, head); err != nil {
		err = fmt.Errorf("%s: %w", facts.HeadFrom, err)
	}
	return facts, errors.Join(err, cfg.Fill(facts.Source, vars))
}

// readList reads a list of hosts: a file, and no more of it than any list has.
func readList(name string) ([]byte, error) {
	const most = 16 << 20 // bytes
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%.80q: %w", name, errors.Unwrap(err)) // which has the name as it is
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%.80q is not a regular file", name)
	case info.Size() > most:
		return nil, fmt.Errorf("%.80q is larger than %d bytes", name, most)
	}
	return os.ReadFile(name)
}

// placed reports whether the settings alone say what there is to know.
func placed(cfg *config.Config) bool {
	head := cfg.Told("SYMINIT_HEAD") || cfg.Role == config.RoleHead || cfg.Rank == 0
	return cfg.Told("SYMINIT_NODES") && (head || cfg.Nodes == 1)
}

// told is what the facts have for the settings. A node that was told its role,
// or that it is alone, needs no rank.
func told(cfg *config.Config, facts cluster.Facts) map[string]string {
	vars := map[string]string{"SYMINIT_NODES": strconv.Itoa(facts.Nodes)}
	if cfg.Told("SYMINIT_NODES") && cfg.Nodes == 1 {
		return vars
	}
	vars["SYMINIT_HEAD"] = facts.Head
	if cfg.Role == config.RoleAuto {
		vars["SYMINIT_RANK"] = strconv.Itoa(facts.Rank)
	}
	if !cfg.Told("SYMINIT_NODE_IP") && !cfg.Told("SYMINIT_INTERFACE") {
		vars["SYMINIT_INTERFACE"] = facts.Interface
		if facts.NodeIP.IsValid() {
			vars["SYMINIT_NODE_IP"] = facts.NodeIP.String()
		}
	}
	return vars
}

// nodeName is what the others call this node: the scheduler's name for it, as a
// container's host name may be anything, else the host's, with ? for what it may
// have and no log shows.
func nodeName(facts cluster.Facts, hostname string) string {
	hostname = strings.Map(func(r rune) rune {
		if cluster.NotInName(r) {
			return '?'
		}
		return r
	}, hostname)
	if facts.Rank >= len(facts.Names) {
		return hostname
	}
	name := facts.Names[facts.Rank]
	if _, err := netip.ParseAddr(name); err == nil {
		return hostname
	}
	return name
}
