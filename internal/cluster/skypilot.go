package cluster

import "strings"

// skypilot is a node of a SkyPilot job
// (https://docs.skypilot.co/en/stable/running-jobs/environment-variables.html):
// the nodes' addresses are lines, rank by rank.
func skypilot(e *env) (Facts, error) {
	const size, rank = "SKYPILOT_NUM_NODES", "SKYPILOT_NODE_RANK"
	if !e.has(size, rank) {
		return Facts{}, errAbsent
	}
	f, err := e.pair(size, rank)
	if ips := strings.Fields(e.get("SKYPILOT_NODE_IPS")); len(ips) > 0 {
		f.Head = ips[0]
		if len(ips) == f.Nodes {
			f.Names = ips
		}
	}
	return f, err
}
