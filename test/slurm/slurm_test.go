package slurm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// weak is a secret that syminit warns of, so that its log tells which one it has.
const weak = "a-secret-of-the-test"

// TestExample: the script in examples/slurm runs a real Ray job over three
// nodes, and the job's code is Slurm's. The secret is one of the job's own, or that
// in a file.
func TestExample(t *testing.T) {
	h := cluster(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(weak), 0o600); err != nil {
		t.Fatal(err)
	}
	for code, secret := range map[string][]string{"0": {"SYMINIT_TOKEN_FILE=" + file}, "7": nil} {
		t.Run("code="+code, func(t *testing.T) {
			j := h.submit(t, append(secret, "EXIT_CODE="+code), []string{"--nodes=3"}, "python3", "/jobs/nodes.py")
			if got := j.code(); got != code {
				t.Errorf("exit code %s, want %s", got, code)
			}
			j.prints("JOB nodes=3", "JOB task host=node1", "JOB task host=node2", "JOB task host=node3")
			if got, want := strings.Contains(j.output(), "fewer than 128 bits"), secret != nil; got != want {
				t.Errorf("the secret in use is that in the file: %t, want %t:\n%s", got, want, j.output())
			}
			if strings.Contains(j.output(), weak) {
				t.Error("the secret is in the job's output")
			}
			if left := h.containers(t); left != "" {
				t.Errorf("left running: %s", left)
			}
		})
	}
}

// TestPartOfTheJob: a real Ray job in a step on some of the job's nodes, and the
// step's code.
func TestPartOfTheJob(t *testing.T) {
	h := cluster(t)
	out, err := h.in([]string{"SYMINIT_TOKEN=0123456789abcdef0123456789abcdef", "EXIT_CODE=7"}, "salloc", "-Q", "-N3", "sh", "-c",
		"exec srun --ntasks-per-node=1 -N2 -n2 -w node[2-3] podman run --rm --network host --shm-size 512m --env 'SLURM*' --env SYMINIT_TOKEN --env EXIT_CODE "+h.args+" "+h.image+" python3 /jobs/nodes.py")
	if err == nil || err.Error() != "exit status 7" {
		t.Errorf("srun: %v, want exit status 7", err)
	}
	for _, text := range []string{"JOB nodes=2", "JOB task host=node2", "JOB task host=node3"} {
		if !strings.Contains(out, text) {
			t.Errorf("it doesn't print %q", text)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestConfig: nothing but the secret has to be set, in a step on all nodes and
// in one on a part of them.
func TestConfig(t *testing.T) {
	h := cluster(t)
	for name, tt := range map[string]struct {
		job     []string
		options string
		nodes   []string // by rank
	}{
		"all":    {[]string{"-N3"}, "srun --ntasks-per-node=1", []string{"node1", "node2", "node3"}},
		"a part": {[]string{"-N3"}, "srun --ntasks-per-node=1 -N2 -n2 -w node[2-3]", []string{"node2", "node3"}},
		// Slurm numbers these component by component; the list of nodes is sorted.
		"heterogeneous": {[]string{"-w", "node3", ":", "-N2", "-w", "node[1-2]"}, "srun --het-group=0,1 --ntasks-per-node=1", []string{"node1", "node2", "node3"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out, err := h.in([]string{"SYMINIT_TOKEN=0123456789abcdef"}, append(append([]string{"salloc", "-Q"}, tt.job...), "sh", "-c", tt.options+" -o "+dir+"/%N ../../bin/syminit config --json")...)
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for rank, node := range tt.nodes {
				data, err := os.ReadFile(filepath.Join(dir, node))
				if err != nil {
					t.Fatal(err)
				}
				var values map[string]struct{ Value, Source string }
				if err := json.Unmarshal(data, &values); err != nil {
					t.Fatalf("%v: %s", err, data)
				}
				for name, want := range map[string]string{
					"SYMINIT_NODES": strconv.Itoa(len(tt.nodes)), "SYMINIT_HEAD": tt.nodes[0], "SYMINIT_RANK": strconv.Itoa(rank),
				} {
					if v := values[name]; v.Value != want || v.Source != "slurm" {
						t.Errorf("on %s %s is %+v, want %s from slurm", node, name, v, want)
					}
				}
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
	// srun starts syminit on all nodes, and on node3 it is another command's. In no
	// container: to start one may take as long as the nodes wait for each other.
	out, err := h.in([]string{"SYMINIT_TOKEN=0123456789abcdef", "SYMINIT_JOIN_TIMEOUT=8s", "SYMINIT_RUNTIME=spmd"}, "salloc", "-Q", "-N3", "sh", "-c",
		"srun --ntasks-per-node=1 sh -c '[ $SLURM_NODEID = 2 ] && exit 0; exec ../../bin/syminit true'")
	if err == nil || !strings.Contains(out, "missing: node3") {
		t.Errorf("%v: %s", err, out)
	}
}
