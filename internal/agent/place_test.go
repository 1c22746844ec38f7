package agent

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/internal/config"
)

// slurmTask is the environment of a task on the second of two nodes.
func slurmTask(more ...string) []string {
	return append(more,
		"SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURM_STEP_NUM_NODES=2", "SLURM_STEP_NUM_TASKS=2", "SLURM_NNODES=2",
		"SLURM_STEP_NODELIST=n[1-2]", "SLURM_NODEID=1", "SLURMD_NODENAME=n2",
	)
}

func TestPlace(t *testing.T) {
	for name, tt := range map[string]struct {
		environ []string
		want    map[string]string // value and source
	}{
		"slurm": {slurmTask(), map[string]string{
			"NODES": "2 slurm", "RANK": "1 slurm", "HEAD": "n1 slurm", "ROLE": "worker SYMINIT_RANK",
		}},
		"explicit first": {slurmTask("SYMINIT_NODES=3", "SYMINIT_HEAD=10.0.0.9", "SYMINIT_RANK=2"), map[string]string{
			"NODES": "3 environment", "RANK": "2 environment", "HEAD": "10.0.0.9 environment",
		}},
		"a part": {slurmTask("SYMINIT_HEAD=10.0.0.9"), map[string]string{
			"NODES": "2 slurm", "RANK": "1 slurm", "HEAD": "10.0.0.9 environment",
		}},
		"odd names": {slurmTask("SLURM_STEP_NODELIST=N_1.,n_2", "SLURMD_NODENAME=n_2"), map[string]string{"HEAD": "N_1 slurm"}},
		"role": {slurmTask("SYMINIT_ROLE=head"), map[string]string{
			"NODES": "2 slurm", "RANK": " default", "HEAD": "n1 slurm", "ROLE": "head environment",
		}},
		"one node": {slurmTask("SYMINIT_NODES=1"), map[string]string{
			"NODES": "1 environment", "RANK": " default", "HEAD": " default",
		}},
		"none":         {slurmTask("SYMINIT_CLUSTER=none"), map[string]string{"NODES": "1 default", "RANK": " default", "HEAD": " default"}},
		"runtime none": {slurmTask("SYMINIT_RUNTIME=none"), map[string]string{"NODES": "1 default", "RANK": " default", "HEAD": " default"}},
		"by name":      {slurmTask("SYMINIT_CLUSTER=generic", "NNODES=3", "NODE_RANK=0", "MASTER_ADDR=m"), map[string]string{"NODES": "3 generic", "RANK": "0 generic", "HEAD": "m generic"}},
		"allocation of one": {[]string{"SLURM_JOB_ID=7", "SLURM_JOB_NUM_NODES=1", "SLURM_JOB_NODELIST=n7"}, map[string]string{
			"NODES": "1 slurm", "RANK": "0 slurm", "HEAD": "n7 slurm",
		}},
		// The settings say it all, so a batch script's variables don't matter.
		"explicit, not a step": {[]string{"SYMINIT_NODES=2", "SYMINIT_HEAD=h", "SLURM_JOB_ID=7", "SLURM_JOB_NUM_NODES=2"}, map[string]string{
			"NODES": "2 environment", "RANK": " default", "HEAD": "h environment",
		}},
		"own address": {[]string{"NUM_NODES=2", "NODE_RANK=1", "PRIMARY_ADDR=10.0.0.1", "NODE_ADDR=10.0.0.2"}, map[string]string{
			"NODES": "2 runpod", "NODE_IP": "10.0.0.2 runpod",
		}},
		"own interface": {[]string{"SYMINIT_INTERFACE=eth1", "NUM_NODES=2", "NODE_RANK=1", "PRIMARY_ADDR=10.0.0.1", "NODE_ADDR=10.0.0.2"}, map[string]string{
			"INTERFACE": "eth1 environment", "NODE_IP": " default",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			environ := append([]string{"SYMINIT_TOKEN=0123456789abcdef"}, tt.environ...)
			cfg, err := config.Load(environ)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Place(cfg, environ, nil); err != nil {
				t.Fatal(err)
			}
			if err := cfg.Resolve(); err != nil {
				t.Error(err)
			}
			for _, v := range cfg.Values() {
				want, ok := tt.want[strings.TrimPrefix(v.Name, "SYMINIT_")]
				if got := v.Value + " " + v.Source; ok && got != want {
					t.Errorf("%s is %q, want %q", v.Name, got, want)
				}
			}
		})
	}
}

func TestPlaceRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		environ []string
		err     string
	}{
		"not a step":          {[]string{"SLURM_JOB_ID=7", "SLURM_JOB_NUM_NODES=2"}, "start it with srun"},
		"not a step, by name": {[]string{"SYMINIT_CLUSTER=slurm", "SYMINIT_NODES=2", "SYMINIT_HEAD=h", "SLURM_JOB_ID=7", "SLURM_JOB_NUM_NODES=2"}, "start it with srun"},
		"two":                 {slurmTask("NNODES=2", "NODE_RANK=0", "MASTER_ADDR=m"), "generic says rank 0 of 2"},
		"absent":              {[]string{"SYMINIT_CLUSTER=lws"}, "LWS_GROUP_SIZE"},
		"too many":            {[]string{"NNODES=7000", "NODE_RANK=0", "MASTER_ADDR=m"}, `SYMINIT_NODES="7000" (from generic)`},
		"head's URL":          {[]string{"NNODES=2", "NODE_RANK=1", "MASTER_ADDR=http://m:80"}, `MASTER_ADDR: SYMINIT_HEAD="http://m:80" (from generic): a URL, not a host`},
		"head's letters":      {[]string{"LWS_GROUP_SIZE=2", "LWS_WORKER_INDEX=1", "LWS_LEADER_ADDRESS=m-"}, `LWS_LEADER_ADDRESS: SYMINIT_HEAD="m-" (from lws)`},
		"head, what to do":    {[]string{"LWS_GROUP_SIZE=2", "LWS_WORKER_INDEX=1", "LWS_LEADER_ADDRESS=m-"}, "next: correct it there, or set SYMINIT_HEAD"},
		"no list":             {[]string{"PBS_NODEFILE=/dev/zero"}, `pbs: read PBS_NODEFILE: "/dev/zero" is not a regular file`},
		"no head":             {[]string{"NNODES=2", "NODE_RANK=1"}, "MASTER_ADDR isn't"},
		"no local size":       {[]string{"OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=1", "SYMINIT_HEAD=h"}, "OMPI_COMM_WORLD_LOCAL_SIZE isn't"},
		"no file":             {[]string{"PBS_NODEFILE=/no/\x1b[2J"}, `pbs: read PBS_NODEFILE: "/no/\x1b[2J": no such file`},
		"a letter no log has": {slurmTask("SLURMD_NODENAME=\x1b[2J"), `this is node "\x1b[2J", which is not in SLURM_STEP_NODELIST (n1, n2)`},
		"a node's letters":    {[]string{"DSTACK_NODES_NUM=2", "DSTACK_NODE_RANK=0", "DSTACK_MASTER_NODE_IP=10.0.0.1", "DSTACK_NODES_IPS=m n&1"}, `dstack: the name "n&1" of rank 1 has a character`},
	} {
		cfg, _ := config.Load(tt.environ)
		if _, err := Place(cfg, tt.environ, nil); err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "; next: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What numbers the nodes doesn't count where somebody else does, or nobody is to.
	for _, environ := range [][]string{
		{"NNODES=2", "NODE_RANK=1", "SYMINIT_NODES=2", "SYMINIT_HEAD=h"},
		{"NNODES=2", "NODE_RANK=1", "SYMINIT_NODES=1"},
		{"NNODES=2", "NODE_RANK=1", "SYMINIT_CLUSTER=none"},
		{"NNODES=2", "NODE_RANK=1", "SYMINIT_RUNTIME=none"},
		slurmTask("NNODES=3", "NODE_RANK=2"),
	} {
		cfg, _ := config.Load(environ)
		if _, err := Place(cfg, environ, nil); err != nil {
			t.Errorf("%q: %v", environ, err)
		}
	}
	// Nor where the job is told itself where its nodes meet.
	numbered := []string{"NNODES=2", "NODE_RANK=1"}
	cfg, err := config.Load(numbered)
	facts, placing := Place(cfg, numbered, []string{"torchrun", "--master-addr=m", "train.py"})
	if err := errors.Join(err, placing, cfg.Resolve()); err != nil || facts.Source != "" || cfg.Nodes != 1 {
		t.Errorf("--master-addr: %d nodes, by %+v, %v", cfg.Nodes, facts, err)
	}
	// A wrong SYMINIT_CLUSTER has its error already.
	cfg, err = config.Load([]string{"SYMINIT_CLUSTER=k8s"})
	if _, again := Place(cfg, nil, nil); err == nil || again != nil {
		t.Errorf("k8s: %v, %v", err, again)
	}
}

func TestNodeName(t *testing.T) {
	hostname, _ := os.Hostname()
	for environ, want := range map[string]string{
		strings.Join(slurmTask(), "\n"):                                          "n2",
		"SKYPILOT_NUM_NODES=1\nSKYPILOT_NODE_RANK=0\nSKYPILOT_NODE_IPS=10.0.0.1": hostname,
		"": hostname,
	} {
		lines := strings.Split(environ, "\n")
		cfg, err := config.Load(lines)
		if err != nil {
			t.Fatal(err)
		}
		facts, err := Place(cfg, lines, nil)
		if got := nodeName(facts, hostname); err != nil || got != want {
			t.Errorf("%s: %s, %v", environ, got, err)
		}
	}
}

// A host may be called anything, and the run goes on all the same.
func TestOddHostName(t *testing.T) {
	for hostname, want := range map[string]string{"my_host.": "my_host.", "köln": "k?ln", "a b": "a?b", "n&1": "n?1", "\xff<\"": "???"} {
		if got := nodeName(cluster.Facts{}, hostname); got != want {
			t.Errorf("%q: %q, want %q", hostname, got, want)
		}
	}
}
