package cluster_test

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/cluster"
)

// A case is an environment and what follows from it.
type tableCase struct {
	name string
	file string   // of testdata, with the environment; or
	env  []string // the environment, beside that
	host string   // this host's name
	want cluster.Facts
	err  string // a part of the error, in place of want
}

// run looks with every source and with the one alone: the answer is the same.
func run(t *testing.T, source string, cases []tableCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Helper()
			c := cluster.Config{Environ: append(load(t, tt.file), tt.env...), Hostname: tt.host, ReadFile: testdata}
			for _, c.Source = range []string{cluster.Auto, source} {
				got, err := cluster.Find(c)
				if tt.err != "" {
					wantError(t, err, source, tt.err)
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", c.Source, err)
				}
				tt.want.Source = source
				same(t, got, tt.want)
			}
		})
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range append(parts, "; next: ") {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want it to say %q", err, part)
		}
	}
}

func same(t *testing.T, got, want cluster.Facts) {
	t.Helper()
	if got.Source != want.Source || got.Nodes != want.Nodes || got.Rank != want.Rank || got.Head != want.Head ||
		got.NodeIP != want.NodeIP || got.Interface != want.Interface || !got.End.Equal(want.End) ||
		!slices.Equal(got.Addrs, want.Addrs) || want.Names != nil && !slices.Equal(got.Names, want.Names) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// variable is where one begins in what `env` writes; a value may have several lines.
var variable = regexp.MustCompile(`(?m)^[A-Za-z_][A-Za-z_0-9]*=`)

// load returns the variables of a file in testdata, which `env` wrote on a node.
func load(t *testing.T, name string) []string {
	t.Helper()
	if name == "" {
		return nil
	}
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	begins := append(variable.FindAllIndex(data, -1), []int{len(data)})
	for i := range begins[1:] {
		environ = append(environ, strings.TrimSuffix(string(data[begins[i][0]:begins[i+1][0]]), "\n"))
	}
	return environ
}

// testdata stands for the file system: a few paths are files in testdata.
func testdata(name string) ([]byte, error) {
	files := map[string]string{
		"/var/spool/pbs/aux/17.head":  "pbs-nodefile",
		"/var/spool/pbs/aux/18.empty": "pbs-empty",
		"/var/spool/pbs/aux/19.alone": "pbs-one",
	}
	if file, ok := files[name]; ok {
		return os.ReadFile("testdata/" + file)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func TestNobodyTells(t *testing.T) {
	for name, environ := range map[string][]string{
		"nothing":                nil,
		"a child of torchrun's":  load(t, "torchrun/node1-local1.env"), // as 2.15 set it
		"no nodes' ranks":        {"RANK=3", "WORLD_SIZE=16", "LOCAL_RANK=1", "MASTER_ADDR=n1", "MASTER_PORT=1"},
		"a part of the names":    {"NNODES=2", "MASTER_ADDR=n1"},
		"size alone":             {"NUM_NODES=4", "NNODES=4"},
		"empty":                  {"SLURM_JOB_ID=", "LWS_GROUP_SIZE=", "LWS_WORKER_INDEX="},
		"AWS Batch, one node":    {"AWS_BATCH_JOB_ID=x", "AWS_BATCH_JOB_ATTEMPT=1"},
		"no entry of a variable": {"NNODES", "=", ""},
	} {
		got, err := cluster.Find(cluster.Config{Source: cluster.Auto, Environ: environ, ReadFile: testdata})
		if err != nil || got.Source != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestSourceIsNamed(t *testing.T) {
	environ := append(load(t, "slurm/sbatch-N3-srun-rank1.env"), "NNODES=8", "NODE_RANK=7", "MASTER_ADDR=n1")
	c := cluster.Config{Source: "slurm", Environ: environ, ReadFile: testdata}
	if got, err := cluster.Find(c); err != nil || got.Nodes != 3 || got.Rank != 1 {
		t.Errorf("slurm: %+v, %v", got, err)
	}
	c.Source = "generic"
	if got, err := cluster.Find(c); err != nil || got.Nodes != 8 || got.Rank != 7 {
		t.Errorf("generic: %+v, %v", got, err)
	}
	c.Source = cluster.None
	if got, err := cluster.Find(c); err != nil || got.Source != "" {
		t.Errorf("none: %+v, %v", got, err)
	}
	c.Source = "lws"
	_, err := cluster.Find(c)
	wantError(t, err, "lws", "LWS_GROUP_SIZE")
	c.Source = "k8s"
	if _, err := cluster.Find(c); err == nil {
		t.Error("a source that doesn't exist was found")
	}
}

func TestTwoThatDisagree(t *testing.T) {
	slurm := load(t, "slurm/sbatch-N3-srun-rank1.env")
	generic := func(size, rank string) []string {
		return []string{"NNODES=" + size, "NODE_RANK=" + rank, "MASTER_ADDR=node1"}
	}
	for name, tt := range map[string]struct {
		environ []string
		err     []string
	}{
		"rank":  {append(generic("3", "0"), slurm...), []string{"slurm says rank 1 of 3 nodes", "generic says rank 0 of 3 nodes"}},
		"size":  {append(generic("2", "1"), slurm...), []string{"slurm says rank 1 of 3 nodes", "generic says rank 1 of 2 nodes"}},
		"agree": {append(generic("3", "1"), slurm...), nil},
		// The second is of no use, which is no reason to doubt the first.
		"a later one's trouble": {append(generic("x", "1"), slurm...), nil},
	} {
		got, err := cluster.Find(cluster.Config{Source: cluster.Auto, Environ: tt.environ, ReadFile: testdata})
		if tt.err != nil {
			wantError(t, err, append(tt.err, "SYMINIT_CLUSTER")...)
		} else if err != nil || got.Source != "slurm" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestUnreadableFiles: a file that is there and can't be read is an error, not
// a node of its own.
func TestUnreadableFiles(t *testing.T) {
	denied := func(name string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	for _, c := range []cluster.Config{
		{Source: cluster.Auto, ReadFile: denied},
		{Source: "pbs", Environ: []string{"PBS_NODEFILE=/x"}, ReadFile: denied},
	} {
		if _, err := cluster.Find(c); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// FuzzFind: no environment makes Find panic, and a rank is always below the
// size.
func FuzzFind(f *testing.F) {
	for _, name := range []string{"slurm/sbatch-N3-srun-rank1.env", "slurm/het-both-node3.env"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), "node1", "")
	}
	f.Add("LSB_MCPU_HOSTS=a 1 b 2\nOMPI_COMM_WORLD_SIZE=2", "b", "")
	f.Add("PBS_NODEFILE=/x", "b", "a\na\nb.c\n")
	f.Add("", "algo-2", `{"current_host":"algo-2","hosts":["algo-1","algo-2"]}`)
	names := []string{cluster.Auto, "slurm", "pbs", "sagemaker"}
	f.Fuzz(func(t *testing.T, environ, host, file string) {
		for _, source := range names {
			got, err := cluster.Find(cluster.Config{
				Source: source, Environ: strings.Split(environ, "\n"), Hostname: host,
				ReadFile: func(string) ([]byte, error) {
					if file == "" {
						return nil, fs.ErrNotExist
					}
					return []byte(file), nil
				},
			})
			if err == nil && got.Source != "" && (got.Nodes < 1 || got.Rank < 0 || got.Rank >= got.Nodes) {
				t.Errorf("%s: %+v", source, got)
			}
		}
	})
}
