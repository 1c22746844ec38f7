package launch

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of plans")

func addrs(list ...string) []netip.Addr {
	parsed := make([]netip.Addr, len(list))
	for i, a := range list {
		parsed[i] = netip.MustParseAddr(a)
	}
	return parsed
}

// threeNodes is what the tests vary: the node of a rank among three.
func threeNodes(rank int) Spec {
	return Spec{
		Runtime: Ray, Job: []string{"vllm", "serve", "m"}, Env: []string{"PATH=/bin", "SYMINIT_NODES=2"}, Rank: rank,
		Addrs: addrs("10.0.0.1", "10.0.0.2", "10.0.0.3"), Interface: "eth0",
		Ray: RaySpec{Bin: "ray", Version: "2.60.0", Port: 6379, TokenPath: "/run/token"},
	}
}

func with(s Spec, change func(*Spec)) Spec {
	change(&s)
	return s
}

// TestPlans compares whole plans with testdata/*.golden; go test -update
// writes them anew.
func TestPlans(t *testing.T) {
	tests := map[string]Spec{
		"none": {
			Runtime: None, Job: []string{"sh", "-c", "echo $(SYMINIT_RANK) $$"}, Addrs: addrs("10.0.0.1"),
			Env: []string{"B=2", "A=1", "A=again", "no equals sign", "\xff=\xfe", "RAY_ADDRESS=x", "SYMINIT_TOKEN=s3cret", "SYMINIT_TOKEN_FILE=/f", "SYMINIT_TOKENS=kept"},
		},
		"ray-head":        threeNodes(0),
		"ray-worker":      threeNodes(2),
		"ray-worker-held": with(threeNodes(1), func(s *Spec) { s.Ray.Python = "/opt/ray/bin/python3" }),
		"ray-worker-inherits": with(threeNodes(1), func(s *Spec) {
			s.Env = append(s.Env, "NCCL_DEBUG=own")
			s.Inherited = map[string]string{"NCCL_DEBUG": "head's", "VLLM_X": "1", "HF_TOKEN": "t", "VLLM_HOST_IP": "10.9.9.9"}
		}),
		"ray-worker-with-heads-address": with(threeNodes(1), func(s *Spec) {
			s.Inherited = map[string]string{"VLLM_HOST_IP": "10.0.0.1"} // named in full by the user
		}),
		"ray-user-decides": with(threeNodes(0), func(s *Spec) {
			s.Env = []string{
				"PATH=/bin", "VLLM_HOST_IP=10.0.0.9", "NCCL_SOCKET_IFNAME=", "NCCL_IB_HCA=mlx5_0", "NCCL_DEBUG=INFO", "MASTER_PORT=1234", "NNODES=7",
				"SYMINIT_RANK=9", "RAY_AUTH_MODE=disabled", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=5", "RAY_ADDRESS=10.9.9.9:6379",
			}
		}),
		"ray-options": with(threeNodes(0), func(s *Spec) {
			s.Ray = RaySpec{Bin: "/opt/ray/bin/ray", Port: 7000, StartArgs: []string{"--num-gpus=8", "--resources", `{"a": 1}`}, Dashboard: true, ClientPort: 10002}
		}),
		"ray-without-tokens": with(threeNodes(0), func(s *Spec) { s.Ray.Version = "2.40.0" }),
		"ray-ipv6-unknown-interface": with(threeNodes(1), func(s *Spec) {
			s.Addrs, s.Interface = addrs("fd00::1", "fe80::2%eth1"), ""
		}),
		"ray-spreads-vllm": with(threeNodes(0), func(s *Spec) {
			s.Job = strings.Fields("vllm serve m -tp $(NNODES) -- x")
		}),
		"ray-references": with(threeNodes(0), func(s *Spec) {
			s.Job = []string{"sh", "-c", "$(MASTER_ADDR):$(MASTER_PORT) $$(MASTER_ADDR) $(RAY_ADDRESS) $(date) $(PATH) $$ $$(date)", "$(NNODES)$(NODE_RANK)"}
			s.Env = append(s.Env, "MASTER_PORT=1")
		}),
	}
	golden(t, tests)
}

func golden(t *testing.T, tests map[string]Spec) {
	for name, spec := range tests {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(spec.Env)
			plan, err := NewPlan(spec)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(before, spec.Env) {
				t.Errorf("the caller's environment was changed: %q", spec.Env)
			}
			got, path := describe(plan, spec), filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("plan:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// describe writes a plan as text, of environments only the difference to the
// caller's.
func describe(p Plan, s Spec) string {
	var b strings.Builder
	if p.After != nil {
		fmt.Fprintln(&b, "after", p.After.GCS, p.After.Addrs, p.After.Every)
	}
	describeCommand(&b, "runtime", p.Runtime, s)
	if p.Ready != nil {
		fmt.Fprintln(&b, "ready", p.Ready.GCS, p.Ready.Addrs, p.Ready.Every)
	}
	describeCommand(&b, "job", p.Job, s)
	if p.Headless {
		fmt.Fprintln(&b, "headless")
	}
	for _, line := range p.Warnings {
		fmt.Fprintln(&b, "warning", line)
	}
	return b.String()
}

func describeCommand(b *strings.Builder, name string, c *Command, s Spec) {
	if c == nil {
		fmt.Fprintln(b, name, "none")
		return
	}
	fmt.Fprintf(b, "%s foreground=%t session=%t\n", name, c.Foreground, c.Session)
	for _, arg := range c.Argv {
		fmt.Fprintf(b, "  %q\n", arg)
	}
	for _, arg := range c.Held {
		fmt.Fprintf(b, "  held %q\n", arg)
	}
	for _, entry := range s.Env {
		if !slices.Contains(c.Env, entry) {
			fmt.Fprintf(b, "  - %q\n", entry)
		}
	}
	for _, entry := range c.Env {
		if !slices.Contains(s.Env, entry) {
			fmt.Fprintf(b, "  + %q\n", entry)
		}
	}
}

// TestEnvironmentKept: what the plan has no business with stays where it is,
// byte by byte.
func TestEnvironmentKept(t *testing.T) {
	odd := []string{"B=2", "A=1", "A=again", "no equals sign", "\xff=\xfe", "=x", "MULTI=a\nb"}
	spec := with(threeNodes(0), func(s *Spec) { s.Env = odd })
	plan, err := NewPlan(spec)
	if err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string][]string{"runtime": plan.Runtime.Env, "job": plan.Job.Env} {
		if len(env) < len(odd) || !slices.Equal(env[:len(odd)], odd) {
			t.Errorf("%s: %q does not begin with %q", name, env, odd)
		}
	}
}

// TestSecretNeverInChildren holds for every runtime and every child.
func TestSecretNeverInChildren(t *testing.T) {
	secrets := []string{"SYMINIT_TOKEN=s3cret", "SYMINIT_TOKEN_FILE=/s3cret", "SYMINIT_TOKEN=s3cret again"}
	none := Spec{Runtime: None, Job: []string{"true"}, Addrs: addrs("10.0.0.1")}
	for _, spec := range []Spec{none, threeNodes(0), threeNodes(1)} {
		spec.Env = append(secrets, "PATH=/bin")
		plan, err := NewPlan(spec)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*Command{plan.Runtime, plan.Job} {
			if c != nil && strings.Contains(strings.Join(append(c.Env, c.Argv...), "\n"), "s3cret") {
				t.Errorf("%s: %q, %q", spec.Runtime, c.Argv, c.Env)
			}
		}
	}
}

func TestPlanErrors(t *testing.T) {
	tests := map[string]struct {
		spec Spec
		want []string
	}{
		"no command":        {with(threeNodes(0), func(s *Spec) { s.Job = nil }), []string{"no command"}},
		"rank of nobody":    {threeNodes(3), []string{"rank 3", "3 nodes"}},
		"none on two nodes": {with(threeNodes(0), func(s *Spec) { s.Runtime = None }), []string{"SYMINIT_RUNTIME=none", "there are 3"}},
		"unknown runtime":   {with(threeNodes(0), func(s *Spec) { s.Runtime = "x" }), []string{"SYMINIT_RUNTIME=x"}},
		"our option":        {startArgs("--num-cpus=1", "--port=7"), []string{"SYMINIT_RAY_START_ARGS", "--port", "SYMINIT_RAY_PORT"}},
		"our option, alone": {startArgs("--address", "x"), []string{"--address", "SYMINIT_HEAD"}},
		"our flag":          {startArgs("--block"), []string{"--block"}},
		"TLS":               {with(threeNodes(1), func(s *Spec) { s.Inherited = map[string]string{"RAY_USE_TLS": "1"} }), []string{"RAY_USE_TLS=1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewPlan(test.spec)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q in it", err, want)
				}
			}
		})
	}
}

func startArgs(args ...string) Spec {
	return with(threeNodes(1), func(s *Spec) { s.Ray.StartArgs = args })
}

func TestPollInterval(t *testing.T) {
	for _, n := range []int{1, 2, 100, 4096} {
		every := pollInterval(n)
		if every <= 0 || float64(n)/every.Seconds() > 2000 {
			t.Errorf("%d nodes ask every %s", n, every)
		}
	}
}
