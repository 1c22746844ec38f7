package agent

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/rendezvous"
)

// TestUnfitOrders: a worker whose head orders what can't be done ends with an
// error that names the variable, but not its value.
func TestUnfitOrders(t *testing.T) {
	for payload, want := range map[string]string{
		`{"ray_port":6379,"env":{"":"hidden"}}`:                                       `"", which has no name`,
		`{"ray_port":6379,"env":{"PATH=hidden":"x"}}`:                                 `"PATH=hidden", which is no name`,
		`{"ray_port":6379,"env":{"A\u0000B":"hidden"}}`:                               `"A\x00B", which is no name`,
		`{"ray_port":6379,"env":{"B":"hidden\u0000","A":"hidden\u0000"}}`:             `"A", which has a NUL in its value`,
		`{"ray_port":6379,"env":{"SYMINIT_TOKEN":"hidden"}}`:                          `"SYMINIT_TOKEN", which is each node's own`,
		`{"ray_port":6379,"env":{"NOTIFY_SOCKET":"hidden"}}`:                          `"NOTIFY_SOCKET", which is each node's own`,
		`{"ray_port":6379,"env":{"A":"` + strings.Repeat("x", longestEntry-2) + `"}}`: `"A", which is longer than the 131072 bytes`,
		`{}`:   "lack Ray's port",
		`null`: "lack Ray's port",
		``:     "read the head's orders",
	} {
		n := &node{cfg: &config.Config{Interface: "lo"}, runtime: launch.SPMD, args: []string{"true"}, log: zap.NewNop(), life: t.Context()}
		_, err := n.plan(rendezvous.Roster{Nodes: make([]rendezvous.Node, 2), Payload: json.RawMessage(payload)})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(strings.ReplaceAll(err.Error(), "PATH=hidden", ""), "hidden") {
			t.Errorf("%.80s: error %v, want %s", payload, err, want)
		} else if o := n.outcomeOf(err); o.Code != CodeInternal {
			t.Errorf("%.80s: exit code %d", payload, o.Code)
		}
	}
	if _, err := readOrders(json.RawMessage(`{"ray_port":1,"env":{"A":"` + strings.Repeat("x", longestEntry-3) + `"}}`)); err != nil {
		t.Error(err)
	}
}

// TestManagerIsNotHandedOut: whatever PROPAGATE names, no job speaks to the service
// manager in the place of syminit.
func TestManagerIsNotHandedOut(t *testing.T) {
	n := &node{cfg: settings(t, "SYMINIT_PROPAGATE=*,NOTIFY_SOCKET", "SYMINIT_NODES=2", "SYMINIT_ROLE=head", "SYMINIT_INSECURE=true"), environ: []string{"NOTIFY_SOCKET=/run/notify", "A=1"}, log: zap.NewNop()}
	if o, err := readOrders(n.orders()); err != nil || !maps.Equal(o.Env, map[string]string{"A": "1"}) {
		t.Errorf("the head orders %v, error %v", o.Env, err)
	}
}

// TestOnlyUTF8IsHandedOut: JSON would carry another value.
func TestOnlyUTF8IsHandedOut(t *testing.T) {
	core, seen := observer.New(zap.InfoLevel)
	n := &node{cfg: settings(t, "SYMINIT_PROPAGATE=HF_*", "SYMINIT_NODES=2", "SYMINIT_ROLE=head", "SYMINIT_INSECURE=true"), environ: []string{"HF_A=\xff", "HF_\xfe=b", "HF_C=ä"}, log: zap.New(core)}
	if o, err := readOrders(n.orders()); err != nil || !maps.Equal(o.Env, map[string]string{"HF_C": "ä"}) {
		t.Errorf("the head orders %q, error %v", o.Env, err)
	}
	for _, name := range []string{`"HF_A"`, `"HF_\xfe"`} {
		if seen.FilterMessageSnippet(name+" is not passed on").Len() != 1 {
			t.Errorf("not a word of %s in %v", name, seen.All())
		}
	}
	n.cfg = settings(t, "SYMINIT_PROPAGATE=HF_*")
	before := seen.Len()
	if o, err := readOrders(n.orders()); err != nil || o.Env != nil || seen.Len() != before {
		t.Errorf("a single node hands out %q and says %v, error %v", o.Env, seen.All()[before:], err)
	}
}

// FuzzOrders: what a worker takes over can stand in an environment, and what the
// node itself has stays as it is. It takes whatever a head hands out.
func FuzzOrders(f *testing.F) {
	f.Add([]byte(`{"ray_port":6379,"env":{"PATH":"/head","HOME":"/root","A=B":"","":"x"}}`), "PATH=/bin\nA=1\nA=2\nodd\n=x\nEMPTY=")
	f.Add([]byte(`{"ray_port":1,"env":{"SYMINIT_RANK":"7","SYMINIT_TOKEN":"s","NODE_RANK":"0"}}`), "=\n==\nSYMINIT_TOKEN=secret")
	f.Add([]byte(`{"RAY_PORT":1,"env":{"A\u0000":"\u0000"}}`), "\xff=\xfe")
	f.Fuzz(func(t *testing.T, payload []byte, lines string) {
		environ := config.ChildEnviron(strings.Split(strings.ReplaceAll(lines, "\x00", ""), "\n"))
		if o, err := readOrders(payload); err == nil {
			taken(t, environ, o)
		}
		n := &node{cfg: &config.Config{Nodes: 2, RayPort: 6379, Propagate: config.Globs{"*", "PATH"}}, environ: environ, log: zap.NewNop()}
		o, err := readOrders(n.orders())
		if err != nil && len(lines) < 10_000 {
			t.Fatalf("orders made of %q: %v", environ, err)
		}
		taken(t, environ, o)
	})
}

// taken checks the environment of a job on a node that has this one and these orders.
func taken(t *testing.T, environ []string, o orders) {
	t.Helper()
	plan, err := launch.NewPlan(launch.Spec{
		Runtime: launch.SPMD, Job: []string{"true"}, Env: environ, Rank: 1, Inherited: o.Env,
		Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")},
	})
	if err != nil {
		t.Fatal(err)
	}
	env := plan.Job.Env
	for _, entry := range env {
		if name, _, _ := strings.Cut(entry, "="); strings.Contains(entry, "\x00") || !slices.Contains(environ, entry) && name == "" {
			t.Errorf("the job has %q", entry)
		}
		if entry == "SYMINIT_RANK=1" {
			continue
		}
		for _, forbidden := range []string{"SYMINIT_RANK=", "SYMINIT_TOKEN=", "SYMINIT_TOKEN_FILE=", notifySocket + "="} {
			if strings.HasPrefix(entry, forbidden) && !slices.Contains(environ, entry) {
				t.Errorf("the job has %q", entry)
			}
		}
	}
	of := func(env []string, name string) (values []string) {
		for _, entry := range env {
			if key, value, ok := strings.Cut(entry, "="); ok && key == name {
				values = append(values, value)
			}
		}
		return values
	}
	for _, entry := range environ {
		name, _, ok := strings.Cut(entry, "=")
		if has, own := of(env, name), of(environ, name); ok && !strings.HasPrefix(name, config.Prefix) && !slices.Equal(has, own) {
			t.Errorf("%s: the node's own are %q, the job has %q", name, own, has)
		}
	}
}
