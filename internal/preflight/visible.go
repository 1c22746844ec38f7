package preflight

import (
	"slices"
	"strconv"
	"strings"
)

// gpu is one GPU, at the place that nvidia-smi gives it.
type gpu struct {
	model string
	uuid  string // GPU-…
}

// visible is what CUDA_VISIBLE_DEVICES leaves of a node's GPUs, as CUDA reads it:
// numbers and beginnings of UUIDs, up to the first that names no GPU (CUDA
// Programming Guide, Environment Variables). That one is missing, unless it is a
// word for none. Parts of GPUs count as all of them.
func visible(gpus []gpu, list string) (left []gpu, missing string) {
	if strings.Contains(list, "MIG-") {
		return gpus, ""
	}
	for id := range strings.SplitSeq(list, ",") {
		id = strings.TrimSpace(id)
		switch id {
		case "", "-1", "NoDevFiles": // the last is Slurm's
			return left, ""
		}
		n, err := strconv.Atoi(id)
		if err != nil && strings.HasPrefix(id, "GPU-") {
			n = slices.IndexFunc(gpus, func(g gpu) bool { return strings.HasPrefix(g.uuid, id) })
		} else if err != nil {
			n = -1
		}
		if n < 0 || n >= len(gpus) {
			return left, id
		}
		left = append(left, gpus[n])
	}
	return left, ""
}
