package slurm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestExample: the script in examples/slurm runs a real Ray job over three
// nodes, and the job's code is Slurm's.
func TestExample(t *testing.T) {
	h := cluster(t)
	for _, code := range []string{"0", "7"} {
		t.Run("code="+code, func(t *testing.T) {
			j := h.submit(t, []string{"EXIT_CODE=" + code}, []string{"--nodes=3"}, "python3", "/jobs/nodes.py")
			if got := j.code(); got != code {
				t.Errorf("exit code %s, want %s", got, code)
			}
			j.prints("JOB nodes=3", "JOB task host=node1", "JOB task host=node2", "JOB task host=node3")
			if left := h.containers(t); left != "" {
				t.Errorf("left running: %s", left)
			}
		})
	}
}

// TestConfig: nothing but the secret has to be set, in a step on all nodes and
// in one on a part of them.
func TestConfig(t *testing.T) {
	h := cluster(t)
	for name, tt := range map[string]struct {
		options string
		want    []string // nodes and head
		ranks   string
	}{
		"all":    {"srun --ntasks-per-node=1", []string{"3", "node1"}, "012"},
		"a part": {"srun --ntasks-per-node=1 -N2 -n2 -w node[2-3]", []string{"2", "node2"}, "01"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out, err := h.in([]string{"SYMINIT_TOKEN=0123456789abcdef"}, "salloc", "-Q", "-N3", "sh", "-c", tt.options+" -o "+dir+"/%t ../../bin/syminit config --json")
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			ranks := ""
			for task := range tt.ranks {
				data, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(task)))
				if err != nil {
					t.Fatal(err)
				}
				var values map[string]struct{ Value, Source string }
				if err := json.Unmarshal(data, &values); err != nil {
					t.Fatalf("%v: %s", err, data)
				}
				ranks += values["SYMINIT_RANK"].Value
				for i, name := range []string{"SYMINIT_NODES", "SYMINIT_HEAD"} {
					if v := values[name]; v.Value != tt.want[i] || v.Source != "slurm" {
						t.Errorf("%s is %+v, want %s from slurm", name, v, tt.want[i])
					}
				}
			}
			if ranks != tt.ranks {
				t.Errorf("ranks are %s, want %s", ranks, tt.ranks)
			}
		})
	}
}

// TestTraps: what isn't one task a node is refused, with what to do.
func TestTraps(t *testing.T) {
	h := cluster(t)
	for name, tt := range map[string]struct{ script, says string }{
		"no srun":         {"../../bin/syminit true", "start it with srun"},
		"several tasks":   {"srun -N2 --ntasks-per-node=2 --overcommit ../../bin/syminit true", "srun --ntasks-per-node=1"},
		"none on no srun": {"SYMINIT_CLUSTER=none ../../bin/syminit echo alone", "alone"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _ := h.in([]string{"SYMINIT_TOKEN=0123456789abcdef"}, "salloc", "-Q", "-N2", "sh", "-c", tt.script)
			if !strings.Contains(out, tt.says) {
				t.Errorf("got %s, want it to say %q", out, tt.says)
			}
		})
	}
}

// TestNodeThatNeverComes is named by Slurm's name for it.
func TestNodeThatNeverComes(t *testing.T) {
	h := cluster(t)
	// srun starts the container on all nodes, and on node3 it is another command's.
	out, err := h.in([]string{"SYMINIT_TOKEN=0123456789abcdef", "SYMINIT_JOIN_TIMEOUT=8s"}, "salloc", "-Q", "-N3", "sh", "-c",
		"srun --ntasks-per-node=1 sh -c '[ $SLURM_NODEID = 2 ] && exit 0; exec podman run --rm --network host --env SLURM* --env SYMINIT_TOKEN --env SYMINIT_JOIN_TIMEOUT "+h.args+" "+h.image+" python3 /jobs/nodes.py'")
	if err == nil || !strings.Contains(out, "missing: node3") {
		t.Errorf("%v: %s", err, out)
	}
}
