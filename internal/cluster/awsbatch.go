package cluster

// awsBatch is a node of an AWS Batch multi-node parallel job
// (https://docs.aws.amazon.com/batch/latest/userguide/mnp-env-vars.html). The
// main node need not be the first, and its address is told to the others only;
// ranks put it first and keep the order of the rest.
func awsBatch(e *env) (Facts, error) {
	const size, index, head = "AWS_BATCH_JOB_NUM_NODES", "AWS_BATCH_JOB_NODE_INDEX", "AWS_BATCH_JOB_MAIN_NODE_INDEX"
	if !e.has(size, index, head) {
		return Facts{}, errAbsent
	}
	f, err := e.pair(size, index)
	if err != nil {
		return Facts{}, err
	}
	main, err := e.number(head, 0)
	if err != nil {
		return Facts{}, err
	}
	switch {
	case f.Rank == main:
		f.Rank = 0
	case f.Rank < main:
		f.Rank++
	}
	f.Head = e.get("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS")
	return f, nil
}
