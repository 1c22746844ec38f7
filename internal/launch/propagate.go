package launch

import (
	"path"
	"slices"
	"strings"
)

// Propagated returns the variables of the head that the other nodes take over:
// those whose name one of the globs (path.Match) matches. A glob that is a
// plain name stands for itself; what belongs to one node only needs that. The
// SYMINIT_ variables are each node's own, and never among them.
func Propagated(env, globs []string) map[string]string {
	vars := map[string]string{}
	for _, entry := range env {
		name, value, ok := strings.Cut(entry, "=")
		if _, seen := vars[name]; seen || !ok || name == "" || strings.HasPrefix(name, "SYMINIT_") {
			continue
		}
		if slices.Contains(globs, name) || matchesAny(name, globs) && !ofOneNode(name) {
			vars[name] = value
		}
	}
	return vars
}

// ofOneNode reports whether a variable's value on one node means nothing, or
// the wrong thing, on another.
func ofOneNode(name string) bool {
	return matchesAny(name, []string{
		// Addresses, interfaces, devices, cores. NCCL_HOSTID says which ranks
		// share a host. RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES and its
		// like are for all nodes.
		"VLLM_HOST_*", "VLLM_LOOPBACK_IP", "*_SIDE_CHANNEL_HOST", "*_IFNAME",
		"NCCL_IB_HCA", "NCCL_HOSTID", "UCX_NET_DEVICES", "VLLM_CPU_OMP_THREADS_BIND",
		"CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES",
		// Ranks.
		"RANK", "*_RANK", "VLLM_DP_RANK_LOCAL",
		// The Ray that a process belongs to, and who may talk to it: that is
		// settled on each node.
		"RAY_ADDRESS", "RAY_AUTH_*", "RAY_NODE_*", "RAY_RAYLET_*",
		"RAY_JOB_ID", "RAY_OVERRIDE_*", "RAY_CLOUD_INSTANCE_ID",
		// Places in the file system.
		"RAY_TMPDIR", "HF_HOME", "HF_*_CACHE", "HF_TOKEN_PATH", "VLLM_CACHE_ROOT",
		"VLLM_CONFIG_ROOT", "LD_*", "PATH", "HOME", "PWD", "OLDPWD", "TMPDIR",
		// The machine, the user and the terminal.
		"HOSTNAME", "USER", "LOGNAME", "SHELL", "SHLVL", "TERM", "_",
	})
}

// copiedByVLLM names the variables that vLLM's older Ray executor puts in place of the
// other nodes', though each has its own (get_env_vars_to_copy in vllm/ray/ray_env.py,
// 0.32). vLLM's first process needs none of them, and the head's own workers are Ray's
// too: they have them from their raylet.
func copiedByVLLM(e environ) (names []string) {
	for _, entry := range e {
		name, _, _ := strings.Cut(entry, "=")
		if matchesAny(name, []string{"NCCL_*", "UCX_*"}) && ofOneNode(name) {
			names = append(names, name)
		}
	}
	return names
}

func matchesAny(name string, globs []string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return ok && err == nil
	})
}
