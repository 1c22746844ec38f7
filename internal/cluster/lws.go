package cluster

// lws is a LeaderWorkerSet's pod on Kubernetes: the controller's webhook sets
// the three variables in each pod of a group (AddLWSVariables in
// https://github.com/kubernetes-sigs/lws pkg/utils/pod/pod_utils.go@060ab4d;
// LWS_WORKER_INDEX since 0.6).
func lws(e *env) (Facts, error) {
	const size, rank = "LWS_GROUP_SIZE", "LWS_WORKER_INDEX"
	if !e.has(size, rank) {
		return Facts{}, errAbsent
	}
	f, err := e.pair(size, rank)
	f.Head = e.get("LWS_LEADER_ADDRESS")
	return f, err
}
