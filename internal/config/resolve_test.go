package config_test

import (
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

func resolved(t *testing.T, vars map[string]string) (*config.Config, error) {
	t.Helper()
	c, err := config.Load(environ(vars))
	if err != nil {
		t.Fatal(err)
	}
	err = c.Resolve()
	return c, err
}

// with returns a right setting of two nodes, changed by pairs of name and
// value.
func with(pairs ...string) map[string]string {
	vars := map[string]string{"NODES": "2", "HEAD": "n1", "TOKEN": secret}
	for i := 0; i < len(pairs); i += 2 {
		vars[pairs[i]] = pairs[i+1]
	}
	return vars
}

func TestResolveAccepts(t *testing.T) {
	for name, vars := range map[string]map[string]string{
		"two nodes":          with(),
		"insecure":           with("TOKEN", "", "INSECURE", "true"),
		"head by role":       with("HEAD", "", "ROLE", "head"),
		"head by rank":       with("HEAD", "", "RANK", "0"),
		"no spare nodes":     with("MAX_NODES", "2", "RANK", "1"),
		"one node":           {"NODES": "1", "HEAD": "n1"},
		"secret of no use":   {"TOKEN": secret},
		"same ports, no Ray": {"PORT": "6379"},
		"none":               {"RUNTIME": "none"},
		"role auto":          {"ROLE": "auto"},
		"spare nodes":        with("MAX_NODES", "3", "ON_LOSS", "ignore"),
		"restarts":           {"RESTARTS": "unlimited"},
		"no restarts":        {"RESTARTS": "0", "ON_LOSS": "fail", "STATUS_ADDR": "off", "PREFLIGHT": "off"},
	} {
		if _, err := resolved(t, vars); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		vars map[string]string
		want string // of the one line
	}{
		"wait, two nodes":   {with("WAIT_ALL", "true"), `SYMINIT_WAIT_ALL="true": is for one node`},
		"wait, Ray":         {map[string]string{"WAIT_ALL": "true", "RUNTIME": "ray"}, `SYMINIT_WAIT_ALL="true": is for one node`},
		"no secret":         {with("TOKEN", ""), "SYMINIT_TOKEN: not set"},
		"secret, insecure":  {with("INSECURE", "true"), `SYMINIT_INSECURE="true": there is a secret`},
		"no head":           {with("HEAD", ""), "SYMINIT_HEAD: not set"},
		"worker, no head":   {with("HEAD", "", "ROLE", "worker"), "SYMINIT_HEAD: not set"},
		"head, no size":     {map[string]string{"HEAD": "n1"}, "SYMINIT_NODES: not set, but SYMINIT_HEAD is"},
		"role, no size":     {map[string]string{"ROLE": "head"}, "SYMINIT_NODES: not set, but SYMINIT_ROLE is"},
		"rank, no size":     {map[string]string{"RANK": "1"}, "SYMINIT_NODES: not set, but SYMINIT_RANK is"},
		"most, no size":     {map[string]string{"MAX_NODES": "3"}, "SYMINIT_NODES: not set, but SYMINIT_MAX_NODES is"},
		"most below size":   {with("MAX_NODES", "1"), `SYMINIT_MAX_NODES="1": less than SYMINIT_NODES, which is 2; accepted: 2 or more`},
		"rank beyond size":  {with("RANK", "2"), `SYMINIT_RANK="2": there are at most 2 nodes; accepted: 0 to 1`},
		"rank of a worker":  {with("RANK", "1", "ROLE", "head"), `SYMINIT_ROLE="head": a node of rank 1 is the worker`},
		"rank of the head":  {with("RANK", "0", "ROLE", "worker"), `SYMINIT_ROLE="worker": a node of rank 0 is the head`},
		"port is Ray's":     {with("PORT", "6379"), `SYMINIT_PORT="6379"`},
		"Ray's is the port": {with("RAY_PORT", "6378"), `SYMINIT_RAY_PORT="6378"`},
		"none on two":       {with("RUNTIME", "none"), `SYMINIT_RUNTIME="none": carries a job over one node`},
		"mp, losses":        {with("RUNTIME", "mp", "ON_LOSS", "ignore"), `SYMINIT_ON_LOSS="ignore": needs Ray, and SYMINIT_RUNTIME is mp; accepted: fail`},
		"spmd, more nodes":  {with("RUNTIME", "spmd", "MAX_NODES", "3"), `SYMINIT_MAX_NODES="3": more than SYMINIT_NODES needs Ray, and SYMINIT_RUNTIME is spmd; accepted: 2`},
		"none, losses":      {map[string]string{"RUNTIME": "none", "ON_LOSS": "ignore"}, `SYMINIT_ON_LOSS="ignore": needs Ray, and SYMINIT_RUNTIME is none`},
		"preflight":         {with("PREFLIGHT", "fail"), `SYMINIT_PREFLIGHT="fail": not supported yet; accepted: off`},
		"status":            {with("STATUS_ADDR", ":9090"), `SYMINIT_STATUS_ADDR=":9090": not supported yet; accepted: off`},
	} {
		_, err := resolved(t, c.vars)
		got := lines(err)
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) || !strings.Contains(got[0], "; next: ") {
			t.Errorf("%s:\ngot  %q\nwant %s", name, got, c.want)
		}
	}
}

func TestResolveTellsAllAtOnce(t *testing.T) {
	_, err := resolved(t, map[string]string{"NODES": "3", "MAX_NODES": "2", "RUNTIME": "mp", "ON_LOSS": "ignore", "STATUS_ADDR": ":1"})
	if got := lines(err); len(got) != 5 {
		t.Errorf("want MAX_NODES, HEAD, TOKEN, ON_LOSS and STATUS_ADDR, got %q", got)
	}
}

// TestSuits: what auto turns out to be is held to the same.
func TestSuits(t *testing.T) {
	for _, vars := range []map[string]string{with("ON_LOSS", "ignore"), with("MAX_NODES", "3"), with()} {
		cfg, err := resolved(t, vars)
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.Suits("ray"); err != nil {
			t.Errorf("ray, %v: %v", vars, err)
		}
		for _, runtime := range []string{"mp", "spmd"} {
			if err := cfg.Suits(runtime); len(lines(err)) != len(vars)-len(with()) {
				t.Errorf("%s, %v: %v", runtime, vars, err)
			}
		}
	}
}

func TestRuntimesOverNodes(t *testing.T) {
	for _, runtime := range []string{"auto", "ray", "mp", "spmd"} {
		if cfg, err := resolved(t, with("RUNTIME", runtime)); err != nil || cfg.Runtime != runtime {
			t.Errorf("%s: %v", runtime, err)
		}
	}
}

func TestResolvedValues(t *testing.T) {
	c, err := resolved(t, with("RANK", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxNodes != 2 || c.Role != config.RoleWorker {
		t.Errorf("at most %d nodes, role %s", c.MaxNodes, c.Role)
	}
	for _, v := range c.Values() {
		if v.Name == "SYMINIT_ROLE" && (v.Value != "worker" || v.Source != "SYMINIT_RANK") {
			t.Errorf("got %+v", v)
		}
		if v.Name == "SYMINIT_MAX_NODES" && (v.Value != "2" || v.Source != "default") {
			t.Errorf("got %+v", v)
		}
	}
	if err := c.Resolve(); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		vars map[string]string
		want string // of the one line; "" for none
	}{
		"fine":              {with(), ""},
		"weak secret":       {with("TOKEN", "hunter2"), "openssl rand -hex 32"},
		"insecure":          {with("TOKEN", "", "INSECURE", "true"), "whoever reaches port 6378"},
		"insecure, alone":   {map[string]string{"INSECURE": "true"}, ""},
		"head is localhost": {with("HEAD", "LocalHost."), "another host on each host"},
		"head is loopback":  {with("HEAD", "127.0.0.1"), "another host on each host"},
		"short margin":      {map[string]string{"END_MARGIN": "0s"}, "SYMINIT_END_MARGIN=0s is shorter than SYMINIT_STOP_TIMEOUT=9s"},
		"role is clear":     {with("HEAD", "127.0.0.1", "ROLE", "head"), ""},
	} {
		cfg, err := resolved(t, c.vars)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := cfg.Warnings()
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
