package cluster

import "strings"

// dstack is a node of a distributed task
// (https://dstack.ai/docs/concepts/tasks/#distributed-tasks;
// https://github.com/dstackai/dstack runner/internal/runner/executor/executor.go@511c318
// sets the variables, the nodes' addresses joined by line ends).
func dstack(e *env) (Facts, error) {
	const size, rank = "DSTACK_NODES_NUM", "DSTACK_NODE_RANK"
	if !e.has(size, rank) {
		return Facts{}, errAbsent
	}
	f, err := e.pair(size, rank)
	f.Head = e.get("DSTACK_MASTER_NODE_IP")
	if ips := strings.Fields(e.get("DSTACK_NODES_IPS")); len(ips) == f.Nodes {
		f.Names = ips
	}
	return f, err
}
