package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// interactiveStep is the id of the step that salloc's own shell is where
// LaunchParameters=use_interactive_step (SLURM_INTERACTIVE_STEP in slurm.h).
const interactiveStep = "4294967290"

// slurm is a task of a Slurm step (srun(1), OUTPUT ENVIRONMENT VARIABLES). Only
// the SLURM_STEP_ variables speak of the step: in one on a part of the job's
// nodes, SLURM_NODELIST still lists them all.
func slurm(e *env) (Facts, error) {
	if !e.has("SLURM_JOB_ID") {
		return Facts{}, errAbsent
	}
	f := Facts{End: e.slurmEnd()}
	if !e.has("SLURM_STEP_NUM_NODES", "SLURM_STEP_NODELIST", "SLURM_NODEID") || e.get("SLURM_STEP_ID") == interactiveStep {
		return e.noStep(f)
	}
	var err error
	if f.Nodes, err = e.number("SLURM_STEP_NUM_NODES", 1); err != nil {
		return Facts{}, err
	}
	// The job's own shell has the variables of the step that sbatch or salloc
	// was called from, but its own SLURM_NNODES; in a step the two are equal.
	if job := e.get("SLURM_NNODES"); job != "" && job != strconv.Itoa(f.Nodes) {
		return Facts{}, fmt.Errorf("SLURM_STEP_NUM_NODES is %d and SLURM_NNODES %s, so SLURM_STEP_ variables of another step are left over here; next: %s", f.Nodes, shown(job), slurmNext)
	}
	if err := e.oneTaskANode(f.Nodes); err != nil {
		return Facts{}, err
	}
	if f.Names, err = Hosts(e.get("SLURM_STEP_NODELIST")); err != nil {
		return Facts{}, fmt.Errorf("SLURM_STEP_NODELIST: %w; next: pass it on as it was set, or SYMINIT_CLUSTER=none", err)
	}
	if len(f.Names) != f.Nodes {
		return Facts{}, fmt.Errorf("SLURM_STEP_NODELIST lists %d nodes, and SLURM_STEP_NUM_NODES is %d; next: pass both on as they were set, or SYMINIT_CLUSTER=none", len(f.Names), f.Nodes)
	}
	if f.Rank, err = e.slurmRank(f); err != nil {
		return Facts{}, err
	}
	f.Head = f.Names[0]
	f.Addrs, f.Tried = e.slurmAddrs(f.Head)
	return f, nil
}

const slurmNext = "start it with srun, one task a node (srun --ntasks-per-node=1 syminit ...); SYMINIT_CLUSTER=none runs it on this node alone"

// noStep is a process of a job that srun didn't start: the batch script's, or
// salloc's shell. On one node that is fine.
func (e *env) noStep(f Facts) (Facts, error) {
	size := e.first("SLURM_JOB_NUM_NODES", "SLURM_NNODES")
	if !e.has(size) {
		return Facts{}, fmt.Errorf("SLURM_JOB_ID is set, and no SLURM_STEP_ variables are; next: %s. In a container, pass them all: podman run --env 'SLURM*'", slurmNext)
	}
	var err error
	if f.Nodes, err = e.number(size, 1); err != nil {
		return Facts{}, err
	}
	if f.Nodes > 1 {
		return Facts{}, fmt.Errorf("the job has %d nodes, but this process was started on one of them only, by the batch script or salloc's shell, or its SLURM_STEP_ variables are not passed on; next: %s", f.Nodes, slurmNext)
	}
	if f.Names, err = Hosts(e.get("SLURM_JOB_NODELIST")); err == nil && len(f.Names) == 1 {
		f.Head = f.Names[0]
	}
	return f, nil
}

// oneTaskANode refuses several; on a single node each is a job of its own.
func (e *env) oneTaskANode(nodes int) error {
	if nodes == 1 || !e.has("SLURM_STEP_NUM_TASKS") {
		return nil
	}
	tasks, err := e.number("SLURM_STEP_NUM_TASKS", 1)
	if err == nil && tasks != nodes {
		err = fmt.Errorf("the step has %d tasks on %d nodes, and one a node is needed; next: srun --ntasks-per-node=1 (and --nodes=%d)", tasks, nodes, nodes)
	}
	return err
}

// slurmRank is the own name's place in the step's list. SLURM_NODEID is that
// too, but for a heterogeneous step: there it counts the components one after
// the other, while the list is sorted (measured with 22.05).
func (e *env) slurmRank(f Facts) (int, error) {
	id, err := e.number("SLURM_NODEID", 0)
	if err != nil {
		return 0, err
	}
	f.Rank = id
	if f, err = ranked(f, "SLURM_STEP_NUM_NODES", "SLURM_NODEID"); err != nil {
		return 0, err
	}
	name := e.get("SLURMD_NODENAME")
	if name == "" {
		return id, nil
	}
	at := slices.Index(f.Names, name)
	switch {
	case at < 0:
		return 0, fmt.Errorf("this is node %s, which is not in SLURM_STEP_NODELIST (%s), so the variables of another step are left over here; next: %s", shown(name), shorten(f.Names), slurmNext)
	case at != id && !e.has("SLURM_HET_SIZE"):
		return 0, fmt.Errorf("this is node %s, but SLURM_NODEID=%d is %s in SLURM_STEP_NODELIST; next: %s", name, id, shown(f.Names[id]), slurmNext)
	}
	return at, nil
}

// slurmEnd is when Slurm ends the job; set since 23.02.
func (e *env) slurmEnd() time.Time {
	seconds, err := strconv.ParseInt(e.get("SLURM_JOB_END_TIME"), 10, 64)
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// slurmAddrs is what Slurm's variables say of the head's address: for nodes in
// a cloud SLURM_NODE_ALIASES has it, as "name:address:hostname,…", and the
// address at which srun runs is the head's if that is where the batch script
// is: on the job's first node, of the first component if it has several.
func (e *env) slurmAddrs(head string) (addrs []netip.Addr, tried string) {
	var said []string
	aliases := e.get("SLURM_NODE_ALIASES")
	if addr, ok := alias(aliases, head); ok {
		addrs = append(addrs, addr)
		said = append(said, "SLURM_NODE_ALIASES ("+addr.String()+")")
	} else {
		said = append(said, "SLURM_NODE_ALIASES (has no address of it)")
	}
	job, err := Hosts(e.get(e.first("SLURM_JOB_NODELIST_HET_GROUP_0", "SLURM_JOB_NODELIST_PACK_GROUP_0", "SLURM_JOB_NODELIST")))
	launch, bad := netip.ParseAddr(e.get("SLURM_LAUNCH_NODE_IPADDR"))
	if err == nil && bad == nil && len(job) > 0 && job[0] == head {
		addrs = append(addrs, launch)
		said = append(said, "SLURM_LAUNCH_NODE_IPADDR ("+launch.String()+", where srun runs)")
	} else {
		said = append(said, "SLURM_LAUNCH_NODE_IPADDR (not on that node)")
	}
	return addrs, strings.Join(said, ", ")
}

// alias finds a node's address in SLURM_NODE_ALIASES; an IPv6 address stands
// in brackets.
func alias(aliases, node string) (netip.Addr, bool) {
	for entry := range strings.SplitSeq(aliases, ",") {
		rest, ok := strings.CutPrefix(entry, node+":")
		if !ok {
			continue
		}
		text := rest
		if inner, isV6 := strings.CutPrefix(rest, "["); isV6 {
			text, _, _ = strings.Cut(inner, "]")
		} else if i := strings.LastIndexByte(rest, ':'); i >= 0 {
			text = rest[:i]
		}
		addr, err := netip.ParseAddr(text)
		return addr, err == nil
	}
	return netip.Addr{}, false
}
