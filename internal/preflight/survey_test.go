package preflight

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemory(t *testing.T) {
	const info = "MemTotal:       65536 kB\nMemFree:        1 kB\nMemAvailable:   32768 kB\n"
	for name, tt := range map[string]struct {
		tree map[string]string
		want Space
	}{
		"host":      {nil, Space{64 * mib, 32 * mib}},
		"unlimited": {map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max"}, Space{64 * mib, 32 * mib}},
		"container": {map[string]string{
			"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "16777216\n", "/sys/fs/cgroup/memory.current": "12582912\n",
			"/sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 4194304\nactive_file 9\n",
		}, Space{16 * mib, 8 * mib}},
		"container with the host's path": {map[string]string{
			"/proc/self/cgroup": "0::/docker/0123\n", "/sys/fs/cgroup/memory.max": "16777216\n", "/sys/fs/cgroup/memory.current": "0\n",
		}, Space{16 * mib, 16 * mib}},
		"a group above": {map[string]string{
			"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max", "/sys/fs/cgroup/a/memory.max": "16777216\n", "/sys/fs/cgroup/a/memory.current": "16777217\n",
		}, Space{16 * mib, 0}},
		"version 1": {map[string]string{
			"/proc/self/cgroup": "5:cpu:/docker/x\n4:memory:/docker/x\n0::/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "16777216\n",
			"/sys/fs/cgroup/memory/memory.usage_in_bytes": "8388608\n", "/sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
		}, Space{16 * mib, 8 * mib}},
		"version 1, unlimited": {map[string]string{
			"/proc/self/cgroup": "4:memory:/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, Space{64 * mib, 32 * mib}},
	} {
		tree := map[string]string{"/proc/meminfo": info}
		maps.Copy(tree, tt.tree)
		if got := survey(t, fake(tree), Request{}).Memory; got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestLimits(t *testing.T) {
	f := survey(t, fake(map[string]string{"/proc/self/status": "Name:\tx\nCapEff:\t0000000000004000\n"}), Request{})
	if f.NoFile != 1<<20 || f.MemLock != 64<<10 || !f.IPCLock || f.Shm.Total != 100*gib {
		t.Errorf("%+v", f)
	}
	if f := survey(t, fake(map[string]string{"/proc/self/status": "CapEff:\t00000000a80425fb\n"}), Request{}); f.IPCLock {
		t.Error("Docker's default capabilities lock memory")
	}
}

func TestDisks(t *testing.T) {
	paths := func(f Facts) string {
		var all []string
		for _, d := range f.Disks {
			all = append(all, d.For+"="+d.Path)
		}
		return strings.Join(all, " ")
	}
	for _, tt := range []struct{ env, want string }{
		{"HOME=/home/u", "hub=/home/u/.cache/huggingface/hub vllm=/home/u/.cache/vllm temp=/tmp"},
		{"", "hub=/root/.cache/huggingface/hub vllm=/root/.cache/vllm temp=/tmp"},
		{"HF_HOME=/hf VLLM_CACHE_ROOT=/v RAY_TMPDIR=/t", "hub=/hf/hub vllm=/v temp=/t"},
		{"HF_HUB_CACHE=/hub HF_HOME=/hf XDG_CACHE_HOME=/x", "hub=/hub vllm=/x/vllm temp=/tmp"},
	} {
		h := fake(nil)
		h.Env = Local(strings.Fields(tt.env)).Env
		if got := paths(survey(t, h, Request{})); got != tt.want {
			t.Errorf("%s: %s", tt.env, got)
		}
		if got := paths(survey(t, h, Request{RayTemp: "/own"})); !strings.HasSuffix(got, " temp=/own") {
			t.Errorf("%s and Ray's own option: %s", tt.env, got)
		}
	}
	h := fake(map[string]string{"/root/.cache/huggingface/hub/models--org--m/snapshots/abc/config.json": "{}"})
	for model, holds := range map[string]bool{"org/m": true, "org/other": false, "": false} {
		d := survey(t, h, Request{Model: model}).Disks[0]
		if d.Holds != holds || d.Space.Free != 50*gib {
			t.Errorf("%q: %+v", model, d)
		}
	}
}

func TestModel(t *testing.T) {
	tree := map[string]string{
		"/models/m/config.json": `{"a":1}`, "/models/m/model-1.safetensors": "weights", "/models/m/README.md": "x", "/models/m/.cache/x.json": "y",
		"/models/m.gguf": "12345", "/work/org/m/config.json": "{}",
	}
	look := func(model string) Model { return survey(t, fake(tree), Request{Model: model}).Model }
	h := fake(tree)
	h.Abs = Local(nil).Abs
	m := survey(t, h, Request{Model: "/models/m"}).Model
	if !m.Present || m.Files != 2 || m.Bytes != 14 || m.Config == "" || m.List == "" {
		t.Errorf("folder: %+v", m)
	}
	for path, same := range map[string]bool{"/models/m/README.md": true, "/models/m/model-1.safetensors": false, "/models/m/config.json": false, "/models/m/model-2.safetensors": false} {
		changed := files(tree)
		changed[strings.TrimPrefix(path, "/")] = files(map[string]string{"x": "something else"})["x"]
		h.Root = changed
		if got := survey(t, h, Request{Model: "/models/m"}).Model; (got == m) != same {
			t.Errorf("%s changed: %+v", path, got)
		}
	}
	h.Root = files(tree)
	if f := survey(t, h, Request{Model: "/models/m.gguf"}).Model; !f.Present || f.Bytes != 5 || f.Config != "" {
		t.Errorf("file: %+v", f)
	}
	if f := look("org/m"); !f.Present || f.Path != "/work/org/m" {
		t.Errorf("relative: %+v", f)
	}
	if f := look("org/other"); f.Present || f.Path != "/work/org/other" {
		t.Errorf("absent: %+v", f)
	}
	for _, none := range []string{"", "s3://bucket/m"} {
		if f := look(none); f != (Model{}) {
			t.Errorf("%q: %+v", none, f)
		}
	}
}

// TestModelOfLinks has a folder as Hugging Face's cache makes it.
func TestModelOfLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "blob"), []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	snapshot := filepath.Join(dir, "snapshot")
	if err := errors.Join(os.Mkdir(snapshot, 0o700), os.Symlink("../blob", filepath.Join(snapshot, "model.safetensors")), os.Symlink("../gone", filepath.Join(snapshot, "x.json"))); err != nil {
		t.Fatal(err)
	}
	if m := survey(t, Local(nil), Request{Model: snapshot}).Model; m.Files != 1 || m.Bytes != 7 {
		t.Errorf("%+v", m)
	}
}

func TestPorts(t *testing.T) {
	for range 20 { // somebody else may take what was let go
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := uint16(l.Addr().(*net.TCPAddr).Port)
		asked := []Port{{Number: port, For: "x"}}
		if got := Ports(Local(nil), asked); !slices.Equal(got, asked) {
			t.Errorf("a port that is taken: %v", got)
		}
		_ = l.Close()
		if got := Ports(Local(nil), asked); len(got) == 0 {
			return
		}
	}
	t.Error("no port is ever free")
}

// TestBarred looks at ports of another host's: an answer of its own, whichever, is
// one, and what says that there is none has to be so for as long as a look takes.
func TestBarred(t *testing.T) {
	ports := map[uint16]error{
		1: nil, 2: syscall.ECONNREFUSED, 3: syscall.ECONNRESET, 4: syscall.EMFILE, 5: syscall.EADDRNOTAVAIL,
		11: context.DeadlineExceeded, 12: syscall.ETIMEDOUT, 13: syscall.EHOSTUNREACH, 14: syscall.ENETUNREACH, 15: syscall.EACCES, 16: syscall.EPERM,
	}
	synctest.Test(t, func(t *testing.T) {
		h := fake(nil)
		h.Barred = barredTo(func(ctx context.Context, _, address string) (net.Conn, error) {
			err := ports[netip.MustParseAddrPort(address).Port()]
			if errors.Is(err, context.DeadlineExceeded) {
				<-ctx.Done()
			}
			if err != nil {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
			}
			conn, _ := net.Pipe()
			return conn, nil
		})
		look := func(ctx context.Context, port uint16) (barred bool, took time.Duration) {
			began := time.Now()
			found := Barred(ctx, h, netip.MustParseAddr("10.0.0.1"), []Port{{Number: port}})
			return len(found) > 0, time.Since(began)
		}
		for port, err := range ports {
			barred, took := look(t.Context(), port)
			if want := port > 10; barred != want || want != (took == barredAfter) || !want && took > 0 {
				t.Errorf("%v: barred is %t after %s", err, barred, took)
			}
		}
		// A look that is cut short has found nothing.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if barred, took := look(ctx, 11); barred || took != time.Second {
			t.Errorf("cut short: barred is %t after %s", barred, took)
		}
	})
}

// TestLookThatHangs has a file system that doesn't answer: it is named, and holds
// up nothing else.
func TestLookThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fake(map[string]string{"/proc/meminfo": "MemTotal: 1024 kB\n"})
		answer := make(chan struct{})
		h.Space = func(string) (Space, error) {
			<-answer
			return Space{}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		f := Survey(ctx, h, Request{})
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %s", took)
		}
		if want := []string{"/dev/shm", "the disk under the caches"}; !slices.Equal(f.Unfinished, want) || f.Memory.Total != mib {
			t.Errorf("unfinished: %v, memory %+v", f.Unfinished, f.Memory)
		}
		close(answer)
	})
}

// TestThisHost looks at the real thing.
func TestThisHost(t *testing.T) {
	f := survey(t, Local(os.Environ()), Request{})
	if f.Memory.Total == 0 || f.Memory.Free > f.Memory.Total || f.NoFile == 0 || f.Disks[2].Space.Total == 0 {
		t.Errorf("%+v", f)
	}
}

// TestFolderThatCannotBeWritten is told by the one above it that exists.
func TestFolderThatCannotBeWritten(t *testing.T) {
	denied := func(h Host) string {
		f := survey(t, h, Request{})
		i := slices.IndexFunc(f.Disks, func(d Disk) bool { return d.For == DiskTemp })
		return f.Disks[i].Denied
	}
	for temp, want := range map[string]string{"/ro/ray": "read-only file system", "/not/there": "", "": ""} {
		h := fake(nil)
		h.Env = func(name string) (string, bool) { return map[string]string{"RAY_TMPDIR": temp}[name], temp != "" }
		h.Write = func(path string) error {
			switch path {
			case "/ro":
				return syscall.EROFS
			case "/":
				return nil
			}
			return syscall.ENOENT
		}
		if got := denied(h); got != want {
			t.Errorf("%s: %q, want %q", temp, got, want)
		}
	}
	for temp, want := range map[string]bool{t.TempDir(): false, "/dev/null": true} {
		if got := denied(Local([]string{"RAY_TMPDIR=" + temp})); (got != "") != want {
			t.Errorf("%s of this host: %q", temp, got)
		}
	}
}
