package cluster

// lepton is a worker of a batch job on NVIDIA DGX Cloud Lepton
// (https://docs.nvidia.com/dgx-cloud/lepton/features/batch-jobs/predefined-env-vars;
// https://github.com/leptonai/scripts, lepton_env_to_pytorch.sh, has the head's
// name).
func lepton(e *env) (Facts, error) {
	const size, rank = "LEPTON_JOB_TOTAL_WORKERS", "LEPTON_JOB_WORKER_INDEX"
	if !e.has(size, rank) {
		return Facts{}, errAbsent
	}
	f, err := e.pair(size, rank)
	if e.has("LEPTON_JOB_WORKER_PREFIX", "LEPTON_SUBDOMAIN") {
		f.Head = e.get("LEPTON_JOB_WORKER_PREFIX") + "-0." + e.get("LEPTON_SUBDOMAIN")
	}
	return f, err
}
