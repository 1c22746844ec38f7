package cluster_test

import (
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/cluster"
)

// TestPartial: nodes that are numbered and can't find each other.
func TestPartial(t *testing.T) {
	for name, tt := range map[string]struct {
		env []string
		job string
		err []string // parts of the error; none: there is none
	}{
		"torchrun":               {[]string{"NNODES=2", "NODE_RANK=1"}, "", []string{"NNODES=2", "NODE_RANK=1", "MASTER_ADDR isn't", "SYMINIT_HEAD", "SYMINIT_CLUSTER=none"}},
		"Kubeflow":               {[]string{"PET_NNODES=3", "PET_NODE_RANK=0"}, "", []string{"PET_NNODES=3"}},
		"one node":               {[]string{"NNODES=1", "NODE_RANK=0"}, "", nil},
		"no rank":                {[]string{"NNODES=2"}, "", nil},
		"elastic":                {[]string{"PET_NNODES=1:3", "PET_NODE_RANK=0"}, "", nil},
		"Open MPI":               {[]string{"OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=0"}, "", []string{"OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_LOCAL_SIZE isn't", "SYMINIT_CLUSTER=none"}},
		"Open MPI, one process":  {[]string{"OMPI_COMM_WORLD_SIZE=1", "OMPI_COMM_WORLD_RANK=0"}, "", nil},
		"somebody else's number": {[]string{"NNODES=2", "NODE_RANK=7"}, "", nil},
		"torchrun's endpoint":    {[]string{"PET_NNODES=2", "PET_NODE_RANK=1", "PET_RDZV_ENDPOINT=n0:29400"}, "torchrun train.py", nil},
		"endpoint":               {[]string{"NNODES=2", "NODE_RANK=1"}, "torchrun --nnodes=2 --rdzv-endpoint=n0:29400 train.py", nil},
		"endpoint, as it was":    {[]string{"NNODES=2", "NODE_RANK=1"}, "torchrun --nnodes=2 --rdzv_endpoint n0 train.py", nil},
		"address":                {[]string{"NNODES=2", "NODE_RANK=1"}, "torchrun --node-rank=1 --master_addr=n0 train.py", nil},
		"in a shell":             {[]string{"NNODES=2", "NODE_RANK=1"}, `sh -c "torchrun --master-addr=$HEAD train.py"`, nil},
		"SGLang":                 {[]string{"NNODES=2", "NODE_RANK=1"}, "python3 -m sglang.launch_server --dist-init-addr n0:20000", nil},
		"SGLang's older name":    {[]string{"NNODES=2", "NODE_RANK=1"}, "python3 -m sglang.launch_server --nccl-init-addr n0:20000", nil},
		"syminit's address":      {[]string{"NNODES=2", "NODE_RANK=1"}, "torchrun --master-addr $(SYMINIT_HEAD_IP) train.py", []string{"MASTER_ADDR isn't"}},
		"another option":         {[]string{"NNODES=2", "NODE_RANK=1"}, "serve --master-address n0", []string{"MASTER_ADDR isn't"}},
		"Open MPI's numbers":     {[]string{"OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=0"}, "train --master-addr n0", []string{"OMPI_COMM_WORLD_LOCAL_SIZE isn't"}},
		"nothing":                {nil, "", nil},
	} {
		err := cluster.Partial(tt.env, strings.Fields(tt.job))
		if tt.err != nil {
			wantError(t, err, tt.err...)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
