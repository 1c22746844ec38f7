package cluster

import "net/netip"

// runpod is a node of a Runpod Instant Cluster
// (https://docs.runpod.io/instant-clusters/configuration). PRIMARY_ADDR is what
// tells it from anybody else's NUM_NODES and NODE_RANK. The cluster's network is
// not the one with the default route, so the own address matters.
func runpod(e *env) (Facts, error) {
	const size, rank, head = "NUM_NODES", "NODE_RANK", "PRIMARY_ADDR"
	if !e.has(size, rank, head) {
		return Facts{}, errAbsent
	}
	f, err := e.pair(size, rank)
	f.Head = e.get(head)
	if addr, bad := netip.ParseAddr(e.get("NODE_ADDR")); bad == nil {
		f.NodeIP = addr
	}
	return f, err
}
