package launch

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
)

// TestThousandsOfAddresses: what Linux can't pass to a program is left out, and so is
// what the caller had there, and the job starts.
func TestThousandsOfAddresses(t *testing.T) {
	s := Spec{Runtime: SPMD, Job: []string{"true"}, Rank: 7, Env: []string{"PATH=/bin:/usr/bin", nodeIPs + "=10.0.0.1"}}
	for i := range 4096 {
		s.Addrs = append(s.Addrs, netip.AddrFrom16([16]byte{0xfd, 0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, byte(i>>8) | 0x10, byte(i)}))
	}
	plan, err := NewPlan(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Warnings) != 1 || !strings.HasPrefix(plan.Warnings[0], nodeIPs+" isn't set") {
		t.Errorf("warnings %q", plan.Warnings)
	}
	if !slices.Contains(plan.Job.Env, "SYMINIT_NODE_IP="+s.Addrs[7].String()) {
		t.Error("its own address isn't set")
	}
	if stale, ok := environ(plan.Job.Env).lookup(nodeIPs); ok {
		t.Errorf("%s=%s is of other nodes", nodeIPs, stale)
	}
	job, err := Start(*plan.Job, ProcessConfig{Name: "job", Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	if <-job.Done(); job.Status() != 0 {
		t.Errorf("status %v", job.Status())
	}

	s.Job = []string{"echo", "--nodes=$(SYMINIT_NODE_IPS)"}
	if _, err := NewPlan(s); err == nil || !strings.Contains(err.Error(), "take it out of the command") {
		t.Errorf("error %v", err)
	}
	s.Job = []string{"echo", "$$(SYMINIT_NODE_IPS)"}
	if plan, err := NewPlan(s); err != nil || plan.Job.Argv[1] != "$(SYMINIT_NODE_IPS)" {
		t.Errorf("the plain text is %q, error %v", plan.Job.Argv, err)
	}

	s.Job = []string{"echo", "--nodes=$(SYMINIT_NODE_IPS)"}
	s.Addrs = s.Addrs[:2500]
	if plan, err := NewPlan(s); err != nil || plan.Warnings != nil || len(plan.Job.Argv[1]) < 80_000 {
		t.Errorf("error %v, warnings %q", err, plan.Warnings)
	}
}
