package cluster

import (
	"fmt"
	"regexp"
	"strings"
)

// Partial says what is missing where variables number the nodes and are not enough to
// find the others by: each would take itself for the only one. It is for where Find
// has found nobody, and comes with what to do. nil: nothing is missing, or the job
// with that command finds the others by itself.
func Partial(environ, command []string) error {
	e := newEnv(Config{Environ: environ})
	for _, p := range []struct {
		size, rank, lacks, next string
		met                     bool // the job needs nothing of it
	}{
		{
			e.first("NNODES", "NUM_NODES", "PET_NNODES"), e.first("NODE_RANK", "PET_NODE_RANK"), "MASTER_ADDR",
			"set MASTER_ADDR to the head's host on every node, or SYMINIT_NODES and SYMINIT_HEAD",
			meets(e, command),
		},
		{
			"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
			"pass all of OMPI_COMM_WORLD_* into the container, and set SYMINIT_HEAD to the head's host",
			false,
		},
	} {
		if p.met || !e.has(p.size, p.rank) {
			continue
		}
		// What is no number was meant for somebody else.
		if f, err := e.pair(p.size, p.rank); err == nil && f.Nodes > 1 {
			return fmt.Errorf("%s=%d and %s=%d are set, and %s isn't, so this node can't find the others; next: %s; where each node is to run the command by itself: SYMINIT_CLUSTER=none", p.size, f.Nodes, p.rank, f.Rank, p.lacks, p.next)
		}
	}
	return nil
}

// meets reports whether a job is told in its own way where its nodes meet: with what
// torchrun and SGLang call it. torchrun's endpoint isn't read for the head: it is on
// any node, or is an etcd (docs.pytorch.org, elastic/run). One of syminit's values
// there would be none without the head.
func meets(e *env, command []string) bool {
	line := strings.Join(command, " ")
	told := regexp.MustCompile(`--(rdzv[-_]endpoint|master[-_]addr|dist-init-addr|nccl-init-addr)\b`).MatchString(line)
	return e.has("PET_RDZV_ENDPOINT") || told && !strings.Contains(line, "$(SYMINIT_")
}
