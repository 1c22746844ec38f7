package launch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/syminit/syminit/internal/launch/gcs"
	"github.com/syminit/syminit/signals"
	"github.com/syminit/syminit/test/need"
)

// TestFakeRay starts what a plan says with a script in place of Ray: the
// command line and the environment arrive as planned.
func TestFakeRay(t *testing.T) {
	root := tree(t, map[string]string{
		"ray": "#!/bin/sh\necho \"$@\"\necho \"address=$RAY_ADDRESS rank=$SYMINIT_RANK auth=$RAY_AUTH_MODE\"\necho 'Ray runtime started.'\nexec sleep 1000\n",
		"bad": "#!/bin/sh\necho 'Error: No such option: --nonsense' >&2\nexit 2\n",
	})
	plan := func(bin string) Plan {
		p, err := NewPlan(with(threeNodes(1), func(s *Spec) {
			s.Env = []string{"PATH=/usr/bin:/bin", "RAY_ADDRESS=elsewhere"}
			s.Ray.Bin, s.Ray.StartArgs = filepath.Join(root, bin), []string{"--num-cpus=1"}
		}))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}

	p := start(t, *plan("ray").Runtime)
	eventually(t, "Ray runtime started.", func() bool { return slices.Contains(p.Tail(), "Ray runtime started.") })
	want := []string{
		"start --address=10.0.0.1:6379 --node-ip-address=10.0.0.2 --disable-usage-stats --log-style=record --log-color=false --block --num-cpus=1",
		"address= rank=1 auth=token",
		"Ray runtime started.",
	}
	if got := p.Tail(); !slices.Equal(got, want) {
		t.Errorf("it prints %q, want %q", got, want)
	}
	p.Stop(0)

	p = start(t, *plan("bad").Runtime)
	waitDone(t, p)
	if got := p.Tail(); signals.ExitCode(p.Status()) != 2 || !slices.Equal(got, []string{"Error: No such option: --nonsense"}) {
		t.Errorf("exit code %d, %q", signals.ExitCode(p.Status()), got)
	}
}

// TestHeldRay: the program is loaded while it waits, and is run with the
// arguments of the plain command line when it may.
func TestHeldRay(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	root := tree(t, map[string]string{
		"lib/ray/scripts/scripts.py": "print('loaded', flush=True)\ndef main():\n    import sys\n    print(*sys.argv, flush=True)\n    return 7\n",
		"here/ray.py":                "raise Exception('taken from the working directory')\n",
	})
	t.Chdir(filepath.Join(root, "here"))
	argv := []string{"/opt/ray/bin/ray", "start", "--block"}
	p := start(t, Command{Argv: argv, Held: heldRay(python, argv), Env: []string{"PYTHONPATH=" + filepath.Join(root, "lib")}})
	eventually(t, "it is loaded", func() bool { return slices.Equal(p.Tail(), []string{"loaded"}) })
	select {
	case <-p.Done():
		t.Fatalf("it did not wait: %q", p.Tail())
	default:
	}
	p.Release()
	waitDone(t, p)
	if got := p.Tail(); signals.ExitCode(p.Status()) != 7 || !slices.Equal(got, []string{"loaded", strings.Join(argv, " ")}) {
		t.Errorf("exit code %d, %q", signals.ExitCode(p.Status()), got)
	}
	if heldRay("", argv) != nil {
		t.Error("held without Python")
	}
}

// TestDeathOfACoreProcess: it is named, and its log is found while it lives.
func TestDeathOfACoreProcess(t *testing.T) {
	root := tree(t, map[string]string{
		"raylet":     "#!/bin/sh\nread wait\n",
		"ray":        "#!/bin/sh\nmkfifo in; ./raylet --log_dir=/logs <in & exec 3>in; exec sleep 1000\n",
		"raylet.err": "before\n" + strings.Repeat("x", coreLog) + "\nCheck failed\nStack trace\n",
	})
	t.Chdir(root)
	p := start(t, Command{Argv: []string{"./ray"}, Session: true})
	raylet := 0
	eventually(t, "it is up", func() bool {
		for _, s := range inSession(p.Pid()) {
			if s.Name == "raylet" && argument(s.PID, "--log_dir=") == "/logs" {
				raylet = s.PID
			}
		}
		return raylet != 0
	})
	died := make(chan error)
	go func() { died <- AwaitDeath(t.Context(), p, often) }()
	if err := syscall.Kill(raylet, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var death *DeathError
	if err := <-died; !errors.As(err, &death) || death.Name != "raylet" || death.Pid != raylet {
		t.Errorf("got %#v", err)
	}
	if got := lastLines(root, "raylet"); !slices.Equal(got, []string{"Check failed", "Stack trace"}) {
		t.Errorf("the end of its log: %q", got)
	}
	if got := lastLines("", "raylet"); got != nil {
		t.Errorf("the log of one that wasn't seen alive: %q", got)
	}
}

// rayBinVariable names a ray command; the tests with a real Ray are run for it.
// test/docker does that in each of the images, and lets none skip there.
const rayBinVariable = "SYMINIT_TEST_RAY_BIN"

// realRay is a cluster of a head and a worker on two loopback addresses; not on
// 127.0.0.1, in place of which Ray takes another address of the host.
type realRay struct {
	head, worker Plan
	image        Image
	addr         netip.AddrPort
	token        string
	python       string
}

func newRealRay(t *testing.T) realRay {
	t.Helper()
	bin := os.Getenv(rayBinVariable)
	if bin == "" {
		t.Skip("needs a real Ray: set " + rayBinVariable + " to a ray command") //nolint:forbidigo // see rayBinVariable
	}
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	// Ray makes sockets in there, whose paths must be short.
	dir, err := os.MkdirTemp("/tmp", "r") //nolint:usetesting // t.TempDir is named after the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := realRay{
		image: Inspect(os.Environ(), bin), token: strings.Repeat("0123456789abcdef", 4),
		python: filepath.Join(filepath.Dir(bin), "python3"),
	}
	tokenPath, folder := filepath.Join(dir, "token"), filepath.Join(dir, "ray")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tokenPath, []byte(r.token), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := Spec{
		Runtime: Ray, Addrs: addrs("127.0.0.2", "127.0.0.3"), Interface: "lo",
		Env: slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "RAY_") }),
		Job: []string{r.python, "-c", `
import os, ray
ray.init(log_to_driver=False, _node_ip_address="127.0.0.2")
@ray.remote(num_cpus=1, scheduling_strategy="SPREAD")
def where():
    import time; time.sleep(0.5)
    return os.environ["SYMINIT_RANK"], os.environ.get("FROM_THE_HEAD")
print("nodes", sum(n["Alive"] for n in ray.nodes()), sorted(set(ray.get([where.remote() for _ in range(4)]))))
`},
		Ray: RaySpec{
			Bin: bin, Python: r.image.RayPython, Version: r.image.Ray, Port: uint16(port), TokenPath: tokenPath,
			StartArgs: []string{"--temp-dir=" + folder, "--object-store-memory=80000000", "--num-cpus=2"},
		},
	}
	if r.image.GRPC {
		spec.Ray.ClientPort = uint16(port + 1)
	}
	if r.head, err = NewPlan(spec); err != nil {
		t.Fatal(err)
	}
	spec.Rank, spec.Inherited = 1, map[string]string{"FROM_THE_HEAD": "yes"}
	if r.worker, err = NewPlan(spec); err != nil {
		t.Fatal(err)
	}
	// Two nodes of one Ray before 2.60 can't share a folder, and a worker takes
	// the head's: it gets an empty one under the same name.
	if err := exec.CommandContext(t.Context(), "unshare", "-rm", "true").Run(); err != nil {
		need.Missing(t, "needs user and mount namespaces: %v", err)
	}
	if r.worker.Runtime.Held == nil {
		t.Fatalf("%s is not taken for pip's script", bin)
	}
	r.worker.Runtime.Held = append([]string{"unshare", "-rm", "sh", "-c", `mount -t tmpfs none "$0" && exec "$@"`, folder}, r.worker.Runtime.Held...)
	r.addr = r.head.Ready.GCS
	t.Log("Ray ", r.image.Ray, ", Python ", r.image.Python, ", GCS at ", r.addr)
	return r
}

func (r realRay) start(t *testing.T, name string, c Command) *Process {
	t.Helper()
	p, err := Start(c, ProcessConfig{Name: name, Log: zaptest.NewLogger(t), TailLines: 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	return p
}

// TestRealRay goes through the life of a cluster: up, a job on both nodes, a
// stranger refused, the worker's node gone, down with nothing left.
func TestRealRay(t *testing.T) {
	r := newRealRay(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	client := gcs.New(gcs.Config{Addr: r.addr, Token: r.token})
	defer client.Close()

	head := r.start(t, "head", *r.head.Runtime)
	go func() { <-head.Done(); cancel() }()
	worker := r.start(t, "worker", *r.worker.Runtime)
	for _, ready := range []*Ready{r.worker.After, r.worker.Ready, r.head.Ready} {
		if err := AwaitAlive(ctx, client, *ready); err != nil {
			t.Fatal(err)
		}
		worker.Release()
	}

	job := r.start(t, "job", *r.head.Job)
	<-job.Done()
	last := job.Tail()[len(job.Tail())-1]
	if want := "nodes 2 [('0', None), ('1', 'yes')]"; job.Status() != 0 || last != want {
		t.Errorf("the job ended with %d and %q, want 0 and %q; it printed\n%s", job.Status(), last, want, strings.Join(job.Tail(), "\n"))
	}

	stranger := gcs.New(gcs.Config{Addr: r.addr, Token: "wrong"})
	defer stranger.Close()
	if _, err := stranger.AliveNodes(ctx, netip.Addr{}); errors.Is(err, gcs.ErrToken) != hasTokenAuth(r.image.Ray) {
		t.Errorf("a wrong token meets with: %v", err)
	}

	lost := make(chan error)
	go func() {
		lost <- WatchAlive(ctx, client, Watch{Addr: r.worker.Ready.Addrs[0], Every: 20 * time.Millisecond, Silence: time.Minute})
	}()
	worker.Stop(time.Minute) // a clean end shows at once, a KILL after 20 s
	var gone *NotAliveError
	if err := <-lost; !errors.As(err, &gone) {
		t.Errorf("WatchAlive: %v, want that the worker is gone", err)
	}

	session := head.Pid()
	if killable := members(session); killable < 3 {
		t.Errorf("the head's session has %d processes, expected Ray's", killable)
	}
	head.Stop(0)
	if left := members(session); left != 0 {
		t.Errorf("%d processes of the head's session are left", left)
	}
}

// members counts the live processes of a session.
func members(session int) (n int) {
	for _, p := range inSession(session) {
		if !p.Dead() {
			n++
		}
	}
	return n
}

// TestRealRayKilledWhileStarting: ray start itself would say so after 30 to 40 s.
func TestRealRayKilledWhileStarting(t *testing.T) {
	for _, name := range coreProcesses {
		r := newRealRay(t)
		head := r.start(t, "head", *r.head.Runtime)
		killed := false
		eventually(t, name+" is there", func() bool {
			for _, p := range inSession(head.Pid()) {
				if p.Name == name {
					killed = syscall.Kill(p.PID, syscall.SIGKILL) == nil
				}
			}
			return killed
		})
		var death *DeathError
		if err := AwaitDeath(t.Context(), head, often); !errors.As(err, &death) || death.Name != name {
			t.Errorf("error %v, want that %s died", err, name)
		}
	}
}

// TestRealRayBadOption: Ray's own words are kept.
func TestRealRayBadOption(t *testing.T) {
	r := newRealRay(t)
	c := *r.head.Runtime
	c.Argv = append(c.Argv, "--nonsense")
	p := r.start(t, "head", c)
	<-p.Done()
	if text := strings.Join(p.Tail(), "\n"); p.Status().ExitStatus() != 2 || !strings.Contains(text, "No such option") {
		t.Errorf("status %d, output %q", p.Status(), text)
	}
}
