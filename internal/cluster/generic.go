package cluster

// generic are the names that torchrun's users hand out (docs.pytorch.org,
// elastic/run), and with PET_ before them those that torchrun itself reads and
// Kubeflow sets. Anybody may have set one of them for something else, so all
// three have to be there.
func generic(e *env) (Facts, error) {
	size := e.first("NNODES", "NUM_NODES", "PET_NNODES")
	rank := e.first("NODE_RANK", "PET_NODE_RANK")
	head := e.first("MASTER_ADDR", "PET_MASTER_ADDR")
	if !e.has(size, rank, head) {
		return Facts{}, errAbsent
	}
	f, err := e.pair(size, rank)
	f.Head = e.get(head)
	return f, err
}
