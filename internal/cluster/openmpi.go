package cluster

import "fmt"

// openmpi is a process that Open MPI's mpirun started
// (https://docs.open-mpi.org/en/v5.0.x/tuning-apps/environment-var.html has the
// variables; those of 4.1.4 are in testdata). OMPI_COMM_WORLD_NODE_RANK counts within a node. Nothing tells
// where rank 0 is.
func openmpi(e *env) (Facts, error) {
	const size, rank, local = "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"
	if !e.has(size, rank, local) {
		return Facts{}, errAbsent
	}
	f, err := e.pair(size, rank)
	if err != nil {
		return Facts{}, err
	}
	here, err := e.number(local, 1)
	switch {
	case err != nil:
		return Facts{}, err
	case here == f.Nodes:
		return Facts{Nodes: 1}, nil // all of them are on this host, each for itself
	case here > 1:
		return Facts{}, fmt.Errorf("%s=%d, and one process a node is needed; next: mpirun --map-by ppr:1:node", local, here)
	}
	return f, nil
}
