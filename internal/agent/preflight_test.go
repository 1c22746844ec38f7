package agent

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/hostnet"
	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/preflight"
	"github.com/syminit/syminit/rendezvous"
)

// A looked is a node that has been looked at; it tells what it logs about that.
type looked struct {
	*node
	log   *observer.ObservedLogs
	spoke chan string
}

// lookedAt is a node of two under Ray.
func lookedAt(t *testing.T, name string, facts preflight.Facts, settings ...string) *looked {
	t.Helper()
	environ := append(settings, "SYMINIT_NODES=2", "SYMINIT_HEAD=head", "SYMINIT_RUNTIME=ray", "SYMINIT_TOKEN=0123456789abcdef0123456789abcdef") // the first of a name holds
	cfg, err := config.Load(environ)
	if err = errors.Join(err, cfg.Resolve()); err != nil {
		t.Fatal(err)
	}
	core, log := observer.New(zapcore.InfoLevel)
	l := &looked{log: log, spoke: make(chan string, 10)}
	logger := zap.New(core, zap.Hooks(func(e zapcore.Entry) error {
		if strings.HasPrefix(e.Message, "preflight: ") {
			l.spoke <- e.Message
		}
		return nil
	}))
	stop := newStopper(stopConfig{log: logger, self: name, timeout: cfg.StopTimeout})
	l.node = newNode(Config{Args: []string{"job"}, Environ: environ, Settings: cfg, Log: logger, Version: "1"}, &series{}, stop, make(chan stopRequest), nil)
	l.name, l.runtime = name, launch.Ray
	if l.host, err = hostnet.Local(); err != nil {
		t.Fatal(err)
	}
	if cfg.Preflight != config.PreflightOff {
		l.look = newSurvey(preflight.Local(nil))
		l.look.host.Taken = func(uint16) bool { return false } // whatever this machine runs, a Redis say
		l.look.facts = facts
		close(l.look.done)
	}
	t.Cleanup(func() { l.waiting.end(); l.end(rendezvous.Outcome{}) })
	return l
}

// leads has the node be the head, at a port of loopback.
func (l *looked) leads(t *testing.T) (h member, port uint16) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, err = l.enlistHead(identity{head: true, addr: netip.MustParseAddr("127.0.0.1")}, listener)
	if err != nil {
		t.Fatal(err)
	}
	return h, uint16(listener.Addr().(*net.TCPAddr).Port)
}

// follows has the node be a worker with that address, of the head at that port.
func (l *looked) follows(addr string, port uint16, taken *takenPort) *workerMember {
	l.cfg.Head, l.cfg.Port = "127.0.0.1", port
	return l.enlistWorker(identity{addr: netip.MustParseAddr(addr)}, taken).(*workerMember)
}

// meetAt has the two meet over TCP and returns the errors with which they did.
func meetAt(t *testing.T, head, worker *looked) (headErr, workerErr error) {
	t.Helper()
	h, port := head.leads(t)
	w := worker.follows("127.0.0.2", port, nil)
	joined := make(chan error)
	go func() {
		_, err := worker.agree(w)
		joined <- err
	}()
	never := func(o rendezvous.Outcome) rendezvous.Outcome { return o }
	if _, headErr = head.agree(h); headErr != nil {
		h.Settle(t.Context(), head.outcomeOf(headErr), never)
	}
	workerErr = <-joined
	h.Settle(t.Context(), rendezvous.Outcome{}, never)
	if err := errors.Join(w.Close(), h.Close()); err != nil {
		t.Error(err)
	}
	return headErr, workerErr
}

// good is a node that nothing is wrong with.
func good(torch string) preflight.Facts {
	return preflight.Facts{NoFile: 1 << 20, Versions: map[string]string{"torch": torch}}
}

func TestPreflightShowsOneTableAtTheHead(t *testing.T) {
	small := func(torch string) preflight.Facts {
		f := good(torch)
		f.NoFile = 1024
		return f
	}
	head, worker := lookedAt(t, "head", small("2.9.0")), lookedAt(t, "worker", small("2.8.0"))
	if a, b := meetAt(t, head, worker); a != nil || b != nil {
		t.Fatal(a, b)
	}
	const want = `preflight: 2 errors; SYMINIT_PREFLIGHT=off doesn't look
  NODE          CHECK     FOUND                                   WHAT TO DO
  head, worker  nofile    error: 1024 open files at most          run with --ulimit nofile=1048576:1048576
  worker        versions  error: torch is 2.8.0, on the head 2.9.0  use the same image on every node`
	got := <-head.spoke
	if squeezed(got) != squeezed(want) {
		t.Errorf("the head says:\n%s\nwant:\n%s", got, want)
	}
	if len(head.spoke) != 0 || len(worker.spoke) != 0 {
		t.Error("and more is said")
	}
	// For who waits for the server, later on.
	if found := head.found.Load(); found == nil || !strings.HasPrefix(*found, "head, worker: nofile: 1024 open files at most (run with ") || !strings.Contains(*found, "; worker: versions: ") {
		t.Errorf("kept are %v", found)
	}
}

// squeezed is a table without its padding.
func squeezed(table string) string {
	lines := strings.Split(table, "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, "\n")
}

func TestPreflightFindsNothing(t *testing.T) {
	head, worker := lookedAt(t, "head", good("2.9.0")), lookedAt(t, "worker", good("2.9.0"), "SYMINIT_LOG_FORMAT=json")
	if a, b := meetAt(t, head, worker); a != nil || b != nil {
		t.Fatal(a, b)
	}
	if got := <-head.spoke; got != "preflight: nothing wrong found on 2 nodes" {
		t.Errorf("the head says %s", got)
	}
}

func TestPreflightFails(t *testing.T) {
	head := lookedAt(t, "head", good("2.9.0"), "SYMINIT_PREFLIGHT=fail")
	worker := lookedAt(t, "worker", good("2.8.0"))
	headErr, workerErr := meetAt(t, head, worker)
	for who, o := range map[string]rendezvous.Outcome{"head": head.outcomeOf(headErr), "worker": worker.outcomeOf(workerErr)} {
		const want = "the run isn't started (SYMINIT_PREFLIGHT=fail): worker: versions: torch is 2.8.0, on the head 2.9.0 (use the same image on every node)"
		if o.Code != CodeRuntime || o.Cause != want {
			t.Errorf("%s ends with %+v", who, o)
		}
	}
	if head.run != "" || worker.run != "" {
		t.Error("there is a run")
	}
	// A warning is no error.
	slow := good("2.9.0")
	slow.Unfinished = []string{"the model"}
	head, worker = lookedAt(t, "head", good("2.9.0"), "SYMINIT_PREFLIGHT=fail"), lookedAt(t, "worker", slow)
	if a, b := meetAt(t, head, worker); a != nil || b != nil {
		t.Error(a, b)
	}
	if got := <-head.spoke; !strings.HasPrefix(got, "preflight: 1 warning") {
		t.Errorf("the head says %s", got)
	}
}

// TestPreflightOff looks at nothing, and says nothing of a node that doesn't.
func TestPreflightOff(t *testing.T) {
	bad := preflight.Facts{NoFile: 1}
	head, worker := lookedAt(t, "head", bad, "SYMINIT_PREFLIGHT=off"), lookedAt(t, "worker", bad)
	if a, b := meetAt(t, head, worker); a != nil || b != nil || len(head.spoke) != 0 {
		t.Error(a, b, len(head.spoke))
	}
	head, worker = lookedAt(t, "head", good("2.9.0"), "SYMINIT_PREFLIGHT=fail"), lookedAt(t, "worker", bad, "SYMINIT_PREFLIGHT=off")
	if a, b := meetAt(t, head, worker); a != nil || b != nil {
		t.Error(a, b)
	}
	if got := <-head.spoke; got != "preflight: nothing wrong found" {
		t.Errorf("the head says %s", got)
	}
}

func TestPreflightOfOneNode(t *testing.T) {
	addr := "SYMINIT_NODE_IP=127.0.0.1"
	n := lookedAt(t, "one", preflight.Facts{NoFile: 1}, "SYMINIT_NODES=1", "SYMINIT_HEAD=127.0.0.1", "SYMINIT_PREFLIGHT=fail", addr)
	n.runtime = "another than Ray" // which takes no loopback address
	_, err := n.enlistAlone(t.Context(), n.host)
	if o := n.outcomeOf(err); o.Code != CodeRuntime || !strings.Contains(o.Cause, "one: nofile") {
		t.Errorf("outcome %+v", o)
	}
}

// TestPreflightLeavesThePorts: to look whether a port is free takes it for a
// moment. That is over when the run begins, and isn't done while it goes.
func TestPreflightLeavesThePorts(t *testing.T) {
	head := lookedAt(t, "head", preflight.Facts{})
	var begun atomic.Bool
	var looks atomic.Int32
	head.look.host.Taken = func(port uint16) bool {
		if begun.Load() {
			t.Errorf("takes port %d", port)
		}
		looks.Add(1)
		return true
	}
	head.look.done = make(chan struct{}) // this node isn't looked at yet
	self := rendezvous.Node{Name: "head", Addr: netip.MustParseAddr("127.0.0.1")}
	if err := head.approve(self, nil); err != nil {
		t.Fatal(err)
	}
	begun.Store(true)
	close(head.look.done)
	if got := <-head.spoke; looks.Load() != 1 || !strings.Contains(got, "port 6379 is taken") {
		t.Errorf("%d looks; the head says %s", looks.Load(), got)
	}
	head.late(self, rendezvous.Report{Node: rendezvous.Node{Name: "late"}, Body: preflight.Facts{NoFile: 2}.Encode()})
	if got := <-head.spoke; !strings.Contains(got, "late") {
		t.Errorf("the head says %s", got)
	}
}

// TestPreflightOfALateNode shows what is wrong with it, and with no other.
func TestPreflightOfALateNode(t *testing.T) {
	head := lookedAt(t, "head", preflight.Facts{NoFile: 1}, "SYMINIT_LOG_FORMAT=json")
	self := rendezvous.Node{Name: "head", Addr: netip.MustParseAddr("127.0.0.1")}
	r := rendezvous.Report{Node: rendezvous.Node{Name: "late"}, Body: preflight.Facts{NoFile: 2}.Encode()}
	head.late(self, r)
	head.late(self, r) // as after it came again
	if got := <-head.spoke + "\n" + <-head.spoke; got != "preflight: 1 error; SYMINIT_PREFLIGHT=off doesn't look\npreflight: nofile: 2 open files at most" {
		t.Errorf("the head says %s", got)
	}
	head.late(self, rendezvous.Report{Node: rendezvous.Node{Name: "late"}})
	head.late(self, rendezvous.Report{Node: rendezvous.Node{Name: "late"}, Body: []byte(`{"nofile":"many"}`)})
	if got := <-head.spoke; !strings.HasPrefix(got, "preflight: read a node's facts") {
		t.Errorf("the head says %s", got)
	}
	if entry := head.log.FilterField(zap.Strings("nodes", []string{"late"})).All(); len(entry) != 1 || entry[0].ContextMap()["fix"] == "" {
		t.Errorf("logged %+v", head.log.All())
	}
}

// TestPreflightOfRaysFolder looks where `ray start` is told to write.
func TestPreflightOfRaysFolder(t *testing.T) {
	for _, args := range []string{"--temp-dir=/own/ray", "--num-cpus=2 --temp-dir /own/ray"} {
		n := lookedAt(t, "one", preflight.Facts{}, "SYMINIT_RAY_START_ARGS="+args, "RAY_TMPDIR=/other")
		n.beginSurvey()
		<-n.look.done
		if !slices.ContainsFunc(n.look.facts.Disks, func(d preflight.Disk) bool { return d.For == preflight.DiskTemp && d.Path == "/own/ray" }) {
			t.Errorf("%s: it looks at %+v", args, n.look.facts.Disks)
		}
	}
}
