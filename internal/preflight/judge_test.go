package preflight

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// sound is a node that nothing is wrong with.
func sound() Facts {
	return Facts{
		Shm: Space{16 * gib, 16 * gib}, NoFile: 1 << 20, MemLock: Unlimited, Memory: Space{32 * gib, 30 * gib},
		Disks: []Disk{
			{For: DiskHub, Path: "/hf", Space: Space{100 * gib, 50 * gib}},
			{For: DiskVLLM, Path: "/vllm", Space: Space{100 * gib, 50 * gib}},
			{For: DiskTemp, Path: "/tmp", Space: Space{100 * gib, 50 * gib}},
		},
		Versions: map[string]string{"Ray": "2.60.0", "vLLM": "0.32.0", "Python": "3.12", "torch": "", versionDriver: "550.1"},
		GPUs:     []GPU{{Model: "H100", Count: 8}},
		RDMA:     RDMA{Devices: 8, Active: 8, Usable: true},
		Link:     Link{Name: "eth0", MTU: 1500, Speed: 25000},
		Model:    Model{Path: "/models/m", Present: true, Files: 3, Bytes: 5 * gib, Config: "c", List: "l"},
	}
}

var serving = Settings{Ray: true, VLLM: true, Path: true, Deadline: 2 * time.Second}

// told is what is found, a line each.
func told(found []Finding) string {
	var lines []string
	for _, r := range Rows(found) {
		lines = append(lines, fmt.Sprintf("%s %s: %s: %s", r.Names(), r.Severity, r.Check, r.Text))
		if r.Fix == "" {
			lines = append(lines, "and nothing to do about it")
		}
	}
	return strings.Join(lines, "\n")
}

func TestNothingWrong(t *testing.T) {
	three := []Node{{Name: "a", Facts: sound()}, {Name: "b", Facts: sound(), Ahead: 2 * time.Second, Within: 1500 * time.Millisecond}, {Name: "c", Facts: sound()}}
	for _, s := range []Settings{serving, {}} {
		if got := told(Judge(s, three)); got != "" {
			t.Errorf("found:\n%s", got)
		}
	}
	// Of a node that tells nothing, nothing can be said but what it lacks.
	if got := told(Judge(serving, []Node{{Name: "a"}, {Name: "b"}})); got != "" {
		t.Errorf("of nothing:\n%s", got)
	}
}

// TestFindings changes one thing on the second of two nodes.
func TestFindings(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Node)
		want   string
	}{
		"shm":           {func(n *Node) { n.Facts.Shm = Space{64 * mib, 64 * mib} }, "b error: /dev/shm: 64 MiB, too little for Ray, NCCL and vLLM"},
		"shm, GPUs":     {func(n *Node) { n.Facts.Shm = Space{512 * mib, 512 * mib} }, "b warning: /dev/shm: 512 MiB, little for NCCL"},
		"shm, Ray":      {func(n *Node) { n.Facts.Shm = Space{2 * gib, 2 * gib} }, "b note: /dev/shm: 2 GiB, less than Ray's object store wants, which then is in /tmp and slower"},
		"shm, full":     {func(n *Node) { n.Facts.Shm.Free = 0 }, "b error: /dev/shm: 0 B of 16 GiB free, too little for Ray, NCCL and vLLM"},
		"shm, filled":   {func(n *Node) { n.Facts.Shm.Free = 512 * mib }, "b warning: /dev/shm: 512 MiB of 16 GiB free, little for NCCL"},
		"shm, in use":   {func(n *Node) { n.Facts.Shm.Free = 2 * gib }, "b note: /dev/shm: 2 GiB of 16 GiB free, less than Ray's object store wants, which then is in /tmp and slower"},
		"read-only":     {func(n *Node) { n.Facts.Disks[2].Denied = "read-only file system" }, "b error: disk: /tmp, where Ray writes, can't be written: read-only file system"},
		"files":         {func(n *Node) { n.Facts.NoFile = 1024 }, "b error: nofile: 1024 open files at most"},
		"few files":     {func(n *Node) { n.Facts.NoFile = 4096 }, "b warning: nofile: 4096 open files at most"},
		"files, vLLM":   {func(n *Node) { n.Facts.NoFile = 20000 }, "b note: nofile: 20000 open files at most, and vLLM wants 65535"},
		"memlock":       {func(n *Node) { n.Facts.MemLock = 8 * mib }, "b warning: memlock: 8 MiB of locked memory at most, and InfiniBand needs more"},
		"memlock, may":  {func(n *Node) { n.Facts.MemLock, n.Facts.IPCLock = 8*mib, true }, ""},
		"memory, Ray":   {func(n *Node) { n.Facts.Memory = Space{32 * gib, 1536 * mib} }, "b warning: memory: 1.5 GiB of 32 GiB free: Ray kills tasks when less than 5 % is"},
		"memory, vLLM":  {func(n *Node) { n.Facts.Memory = Space{6 * gib, 3*gib + 512*mib} }, "b warning: memory: 3.5 GiB of 6 GiB free, little for vLLM"},
		"temp":          {func(n *Node) { n.Facts.Disks[2].Space.Free = gib }, "b warning: disk: 1 GiB free under /tmp, less than 5 %: Ray keeps no more objects there"},
		"hub, path":     {func(n *Node) { n.Facts.Disks[0].Space.Free = gib }, ""},
		"cache":         {func(n *Node) { n.Facts.Disks[1].Space.Free = mib }, "b warning: disk: 1 MiB free under /vllm"},
		"firewall":      {func(n *Node) { n.Facts.Barred = []Port{{29501, "vLLM (--master-port)"}} }, "b error: ports: port 29501 of a gives no answer, where vLLM (--master-port) meets"},
		"port":          {func(n *Node) { n.Facts.Taken = []Port{{6379, "Ray (SYMINIT_RAY_PORT)"}} }, "b error: ports: port 6379 is taken, which Ray (SYMINIT_RAY_PORT) needs"},
		"unfinished":    {func(n *Node) { n.Facts.Unfinished = []string{"the model"} }, "b warning: the checks: the model: no answer within 2s"},
		"RDMA":          {func(n *Node) { n.Facts.RDMA.Usable = false }, "b warning: InfiniBand: the host has 8 active devices, and this container no /dev/infiniband: NCCL goes over TCP"},
		"fewer RDMA":    {func(n *Node) { n.Facts.RDMA.Active = 7 }, "b warning: InfiniBand: 7 active devices, on the head 8"},
		"version":       {func(n *Node) { n.Facts.Versions["Ray"] = "2.52.0" }, "b error: versions: Ray is 2.52.0, on the head 2.60.0"},
		"driver":        {func(n *Node) { n.Facts.Versions[versionDriver] = "580" }, "b warning: versions: the NVIDIA driver is 580, on the head 550.1"},
		"unknown":       {func(n *Node) { n.Facts.Versions["Ray"] = "" }, ""},
		"fewer GPUs":    {func(n *Node) { n.Facts.GPUs[0].Count = 4 }, "b warning: GPUs: 4 × H100, on the head 8 × H100"},
		"hidden GPUs":   {func(n *Node) { n.Facts.GPUs, n.Facts.HiddenGPUs = nil, 8 }, "b warning: GPUs: the host has 8, and this container none of them\nb warning: GPUs: none, on the head 8 × H100"},
		"missing GPU":   {func(n *Node) { n.Facts.MissingGPU = "4" }, "b warning: GPUs: CUDA_VISIBLE_DEVICES names 4, and this node has no such GPU: CUDA ignores it and what follows"},
		"MTU":           {func(n *Node) { n.Facts.Link.MTU = 9000 }, "b warning: network: the MTU of eth0 is 9000, on the head 1500: large packets may get lost"},
		"speed":         {func(n *Node) { n.Facts.Link.Speed = 2500 }, "b warning: network: eth0 has 2.5 Gb/s, the head's 25 Gb/s"},
		"speed unknown": {func(n *Node) { n.Facts.Link.Speed = 0 }, ""},
		"ahead":         {func(n *Node) { n.Ahead, n.Within = 90*time.Second, time.Second }, "b warning: clock: 1m30s ahead of the head's (± 1s)"},
		"behind":        {func(n *Node) { n.Ahead, n.Within = -2*time.Second, time.Millisecond }, "b warning: clock: 2s behind the head's (± 1ms)"},
		"no model":      {func(n *Node) { n.Facts.Model = Model{Path: "/models/m"} }, "b error: model: /models/m is not there, and it is on a"},
		"other config":  {func(n *Node) { n.Facts.Model.Config = "d" }, "b error: model: /models/m has another config.json than on a"},
		"other files":   {func(n *Node) { n.Facts.Model.List, n.Facts.Model.Files = "k", 1 }, "b error: model: /models/m has 1 file of 5 GiB, on a 3 files of 5 GiB"},
		"empty folder":  {func(n *Node) { n.Facts.Model.Files = 0 }, "b error: model: /models/m has no files of a model"},
	} {
		b := Node{Name: "b", Facts: sound()}
		tt.change(&b)
		if got := told(Judge(serving, []Node{{Name: "a", Facts: sound()}, b})); got != tt.want {
			t.Errorf("%s: found\n%s\nwant\n%s", name, got, tt.want)
		}
	}
}

// TestPlainJob needs neither Ray's folder nor what Ray and vLLM keep in memory.
func TestPlainJob(t *testing.T) {
	f := sound()
	f.GPUs, f.Shm, f.Disks[2].Denied = nil, Space{64 * mib, 64 * mib}, "read-only file system"
	if got := told(Judge(Settings{}, []Node{{Name: "a", Facts: f}})); got != "a warning: /dev/shm: 64 MiB, too little for Ray, NCCL and vLLM" {
		t.Errorf("found %s", got)
	}
}

func TestSlowLinkBesideAFastOne(t *testing.T) {
	f := sound()
	f.Link.Speed, f.Link.Faster = 1000, &Link{Name: "ib0", Speed: 200000}
	for usable, want := range map[bool]string{true: "note", false: "warning"} {
		f.RDMA.Usable, f.GPUs = usable, nil
		if got := told(Judge(serving, []Node{{Name: "a", Facts: f}})); got != "a "+want+": network: eth0 has 1 Gb/s, and ib0 has 200 Gb/s" {
			t.Errorf("found %s", got)
		}
	}
	f.Link.Speed = slowLink
	if got := told(Judge(serving, []Node{{Name: "a", Facts: f}})); got != "" {
		t.Errorf("of a fast one: %s", got)
	}
}

// TestModelThatNobodyHas is an error only if it can mean nothing else.
func TestModelThatNobodyHas(t *testing.T) {
	f := sound()
	f.Model = Model{Path: "/work/org/m"}
	f.Disks[0].Space.Free = gib
	nodes := []Node{{Name: "a", Facts: f}, {Name: "b", Facts: f}}
	if got := told(Judge(serving, nodes)); !strings.Contains(got, "a, b error: model: /work/org/m is not there") {
		t.Errorf("found %s", got)
	}
	byName := serving
	byName.Path = false
	const fetch = "a, b warning: disk: 1 GiB free under /hf, and the model is still to be fetched"
	if got := told(Judge(byName, nodes)); got != fetch {
		t.Errorf("found %s", got)
	}
	nodes[0].Facts.Disks = []Disk{{For: DiskHub, Path: "/hf", Space: Space{gib, gib}, Holds: true}}
	if got := told(Judge(byName, nodes[:1])); got != "" {
		t.Errorf("found %s", got)
	}
}

func TestTable(t *testing.T) {
	var found []Finding
	for i := range 5 {
		found = append(found, Finding{Warning, fmt.Sprint("n", i), "nofile", "few", "raise it"})
	}
	found = append(found, Finding{Error, "n1", "/dev/shm", "64 MiB", "run with --shm-size=16g"}, Finding{Error, "n1", "/dev/shm", "64 MiB", "run with --shm-size=16g"})
	const want = `  NODE                   CHECK     FOUND          WHAT TO DO
  n1                     /dev/shm  error: 64 MiB  run with --shm-size=16g
  n0, n1, n2 and 2 more  nofile    warning: few   raise it`
	rows := Rows(found)
	if got := Table(rows); got != want {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
	if got := Count(rows); got != "1 error and 1 warning" {
		t.Errorf("counted %s", got)
	}
	if got := Reasons(rows); got != "n1: /dev/shm: 64 MiB (run with --shm-size=16g); n0, n1, n2 and 2 more: nofile: few (raise it)" {
		t.Errorf("reasons: %s", got)
	}
	found = nil
	for i := range maxRows + 2 {
		found = append(found, Finding{Note, "n", "x", fmt.Sprint(i), "y"})
	}
	if got := Table(Rows(found)); !strings.HasSuffix(got, "\n  and 2 rows more") || strings.Count(got, "\n") != maxRows+1 {
		t.Errorf("a long table:\n%s", got)
	}
	if got := Reasons(Rows(found)); strings.Count(got, ";") != maxNames || !strings.HasSuffix(got, "; and 39 more") {
		t.Errorf("many reasons: %s", got)
	}
}

func TestFactsThatTravel(t *testing.T) {
	f := sound()
	f.Taken = []Port{{6379, "Ray"}}
	f.Link.Faster = &Link{Name: "ib0", Speed: 1}
	back, err := Decode(f.Encode())
	if err != nil || fmt.Sprintf("%+v", back.Versions) != fmt.Sprintf("%+v", f.Versions) {
		t.Fatalf("%+v, %v", back, err)
	}
	a, _ := json.Marshal(f)
	if b, _ := json.Marshal(back); string(a) != string(b) || len(a) > 2048 {
		t.Errorf("%s\nbecame, in %d bytes,\n%s", a, len(b), b)
	}
	if _, err := Decode(json.RawMessage(`{"nofile":-1}`)); err == nil {
		t.Error("a negative limit is read")
	}
}

// FuzzDecode has a node say anything.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(sound().Encode()))
	f.Add([]byte(`{"versions":{"Ray":"\u001b[31m2\n3"},"unfinished":["a\u202eb",""],"taken":[{"number":1,"for":"x\ty"}],"link":{"name":"\u0007","speed":-5,"faster":{"speed":-1}}}`))
	f.Add([]byte(`{"gpus":[{"model":"` + strings.Repeat("x", 1000) + `","count":-1}],"memory":{"total":18446744073709551615,"free":1}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		facts, err := Decode(body)
		if err != nil {
			return
		}
		for _, head := range []Facts{sound(), facts} {
			found := Judge(serving, []Node{{Name: "a", Facts: head}, {Name: "b", Facts: facts}})
			for _, r := range Rows(found) {
				if line := r.Text + r.Fix + r.Check; strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) || len(line) > 4096 {
					t.Errorf("%q", line)
				}
			}
		}
		for _, line := range facts.Lines() {
			if strings.ContainsFunc(line.Name+line.Text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q", line)
			}
		}
		if n := len(slices.Collect(maps.Keys(facts.Versions))); n > maxItems {
			t.Errorf("%d versions", n)
		}
	})
}

// TestCutOff is of the nodes that can't reach the head, whatever else they have.
func TestCutOff(t *testing.T) {
	a, b, c := Node{Name: "a", Facts: sound()}, Node{Name: "b", Facts: sound()}, Node{Name: "c", Facts: sound()}
	b.Facts.NoFile = 1
	if got := told(CutOff([]Node{a, b, c})); got != "" {
		t.Errorf("found %s", got)
	}
	c.Facts.Barred = []Port{{6379, "Ray (SYMINIT_RAY_PORT)"}}
	if got := told(CutOff([]Node{a, b, c})); got != "c error: ports: port 6379 of a gives no answer, where Ray (SYMINIT_RAY_PORT) meets" {
		t.Errorf("found %s", got)
	}
}
