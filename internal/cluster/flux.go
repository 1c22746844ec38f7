package cluster

import "fmt"

// flux is a task of a Flux job (https://github.com/flux-framework/flux-core: the
// rank from shell_task_create in src/shell/task.c@4a5e79f, the sizes from
// shell_setup_environment in src/shell/shell.c@4a5e79f). Nothing tells where rank 0 is.
func flux(e *env) (Facts, error) {
	const size, rank, tasks = "FLUX_JOB_NNODES", "FLUX_TASK_RANK", "FLUX_JOB_SIZE"
	if !e.has(size, rank) {
		return Facts{}, errAbsent
	}
	nodes, err := e.number(size, 1)
	if err != nil {
		return Facts{}, err
	}
	if nodes == 1 {
		return Facts{Nodes: 1}, nil // however many tasks, each for itself
	}
	if e.has(tasks) {
		n, err := e.number(tasks, 1)
		if err != nil {
			return Facts{}, err
		}
		if n != nodes {
			return Facts{}, fmt.Errorf("%s=%d and %s=%d, and one task a node is needed; next: flux run -N %d --tasks-per-node=1", tasks, n, size, nodes, nodes)
		}
	}
	return e.pair(size, rank)
}
