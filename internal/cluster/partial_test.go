package cluster_test

import (
	"testing"

	"github.com/syminit/syminit/internal/cluster"
)

// TestPartial: nodes that are numbered and can't find each other.
func TestPartial(t *testing.T) {
	for name, tt := range map[string]struct {
		env []string
		err []string // parts of the error; none: there is none
	}{
		"torchrun":               {[]string{"NNODES=2", "NODE_RANK=1"}, []string{"NNODES=2", "NODE_RANK=1", "MASTER_ADDR isn't", "SYMINIT_HEAD", "SYMINIT_CLUSTER=none"}},
		"Kubeflow":               {[]string{"PET_NNODES=3", "PET_NODE_RANK=0"}, []string{"PET_NNODES=3"}},
		"one node":               {[]string{"NNODES=1", "NODE_RANK=0"}, nil},
		"no rank":                {[]string{"NNODES=2"}, nil},
		"elastic":                {[]string{"PET_NNODES=1:3", "PET_NODE_RANK=0"}, nil},
		"Open MPI":               {[]string{"OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=0"}, []string{"OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_LOCAL_SIZE isn't", "SYMINIT_CLUSTER=none"}},
		"Open MPI, one process":  {[]string{"OMPI_COMM_WORLD_SIZE=1", "OMPI_COMM_WORLD_RANK=0"}, nil},
		"somebody else's number": {[]string{"NNODES=2", "NODE_RANK=7"}, nil},
		"nothing":                {nil, nil},
	} {
		err := cluster.Partial(tt.env)
		if tt.err != nil {
			wantError(t, err, tt.err...)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
