package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		args string
		verb verb
		job  string
	}{
		{"vllm serve m", verbRun, "vllm serve m"},
		{"-- vllm serve m", verbRun, "vllm serve m"},
		{"-- config", verbRun, "config"},
		{"-- -x", verbRun, "-x"},
		{"-- a -- b", verbRun, "a -- b"},
		{"a -- b", verbRun, "a -- b"},
		{"config", verbConfig, ""},
		{"config --json", verbConfig, "--json"},
		{"status", verbStatus, ""},
		{"health", verbHealth, ""},
		{"-- health", verbRun, "health"},
		{"doctor", verbDoctor, ""},
		{"doctor -- vllm serve m", verbDoctor, "vllm serve m"},
		{"-- doctor", verbRun, "doctor"},
		{"version", verbVersion, ""},
		{"--version", verbVersion, ""},
		{"--help", verbHelp, ""},
		{"syminit vllm serve m", verbRun, "vllm serve m"},
		{"-- syminit doctor -- vllm serve m", verbDoctor, "vllm serve m"},
		{"-- /usr/local/bin/syminit -- doctor", verbRun, "doctor"},
		{"syminit -- syminit health", verbHealth, ""},
		{"-- syminit config --json", verbConfig, "--json"},
		{"-- syminit --version", verbVersion, ""},
		{"-- syminit symmetric-run --address h:1 -- c", verbSymmetricRun, "c"},
		{"-- echo syminit doctor", verbRun, "echo syminit doctor"},
	} {
		got, err := parse(strings.Fields(tt.args))
		if err != nil || got.verb != tt.verb || strings.Join(got.args, " ") != tt.job {
			t.Errorf("parse(%q) = %+v, %v", tt.args, got, err)
		}
		if twice := strings.Contains(tt.args, "syminit") && tt.job != "echo syminit doctor"; err == nil && got.twice != twice {
			t.Errorf("parse(%q): twice is %t", tt.args, got.twice)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for args, says := range map[string]string{
		"":               "no command",
		"--":             "no command",
		"-- syminit":     "no command",
		"--nodes 2 true": "unknown option --nodes",
		"config x":       "syminit -- config x",
		"version x":      "syminit -- version x",
		"doctor x":       "syminit -- doctor x",
		"health x":       "syminit -- health x",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("parse(%q): %v, want it to say %q", args, err, says)
		}
	}
}

func TestParseSymmetricRun(t *testing.T) {
	settings := func(head, port, nodes, rayArgs string) map[string]string {
		return map[string]string{
			"SYMINIT_RUNTIME": "ray", "SYMINIT_HEAD": head, "SYMINIT_RAY_PORT": port,
			"SYMINIT_NODES": nodes, "SYMINIT_RAY_START_ARGS": rayArgs,
		}
	}
	for _, tt := range []struct {
		args []string
		job  []string
		env  map[string]string
	}{
		{
			[]string{"--address", "10.0.0.1:6379", "--", "python", "s.py"},
			[]string{"python", "s.py"},
			settings("10.0.0.1", "6379", "1", ""),
		},
		{
			[]string{"--address=[fd00::1]:7000", "--min-nodes=4", "--num-cpus=4", "--", "python", "-m", "m", "--", "x"},
			[]string{"python", "-m", "m", "--", "x"},
			settings("fd00::1", "7000", "4", "--num-cpus=4"),
		},
		{
			[]string{"--min-nodes", "2", "--address", "h:1", "--labels", "it's = one", "--", "c"},
			[]string{"c"},
			settings("h", "1", "2", `--labels 'it'\''s = one'`),
		},
	} {
		got, err := parse(append([]string{"symmetric-run"}, tt.args...))
		if err != nil || !slices.Equal(got.args, tt.job) || !maps.Equal(got.env, tt.env) {
			t.Errorf("%q: %+v, %v", tt.args, got, err)
		}
	}
}

func TestParseSymmetricRunRefuses(t *testing.T) {
	for args, says := range map[string]string{
		"--address h:1 c":                  "'--'",
		"--address h:1 --":                 "needs a command",
		"-- c":                             "needs --address",
		"--address h -- c":                 "HOST:PORT",
		"--address :1 -- c":                "HOST:PORT",
		"--address h:1 --min-nodes x -- c": "--min-nodes",
		"--address h:1 --min-nodes 0 -- c": "--min-nodes",
		"--address h:1 --min-nodes= -- c":  "--min-nodes",
		"--address -- c":                   "--address needs a value",
	} {
		_, err := parse(append([]string{"symmetric-run"}, strings.Fields(args)...))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want it to say %q", args, err, says)
		}
	}
}

func TestSymmetricRunBesideTheEnvironment(t *testing.T) {
	cmd, err := parse([]string{"symmetric-run", "--address", "h:6379", "--min-nodes", "2", "--num-gpus", "1", "--", "c"})
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := load([]string{"SYMINIT_TOKEN=0123456789abcdef", "SYMINIT_NODES=2"}, cmd)
	if err != nil || cfg.Head != "h" || cfg.Nodes != 2 || !slices.Equal(cfg.RayStartArgs, []string{"--num-gpus", "1"}) {
		t.Errorf("got %+v, %v", cfg, err)
	}
	_, _, err = load([]string{"SYMINIT_TOKEN=0123456789abcdef", "SYMINIT_NODES=3"}, cmd)
	if err == nil || !strings.Contains(err.Error(), `SYMINIT_NODES is "3" in the environment and "2" on the command line`) {
		t.Errorf("got %v", err)
	}
}
