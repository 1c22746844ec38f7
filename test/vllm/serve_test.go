package vllm

import (
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// TestServes: one command on two nodes answers a completion; every process of
// vLLM's has its own node's address; both nodes are healthy; and docker stop at the
// head ends both nodes with vLLM's own code. vLLM first answers the requests in
// flight, for which it was to wait, and closes its port after them. Under Ray they get
// no answer, and 143 is the run's end.
func TestServes(t *testing.T) {
	inEachMode(t, serving, func(t *testing.T, m mode, head, worker *containers.Container) {
		if err := complete(head, 8); err != nil {
			t.Fatal(err)
		}
		head.WantLog("'model': '/model'", m.backend, "head ("+head.Address()+"), worker ("+worker.Address()+")")
		for _, n := range []*containers.Container{head, worker} {
			wantOwnAddress(t, n)
			n.Exec("syminit health")
		}
		drained := load(t, head, m.hasty)
		client := http.Client{Timeout: time.Second}
		health := url(head, "/health")
		codes := []int{0}
		if m.hasty {
			codes = []int{0, 143}
		}
		closed := make(chan time.Time, 1)
		go func() { closed <- closes(t.Context(), net.JoinHostPort(head.Address(), "8000")) }()
		stop(t, codes, head, head, worker)
		last := drained()
		if at := <-closed; !at.IsZero() {
			t.Logf("port closed %.1f s after the last answer, container gone %.1f s after that", at.Sub(last).Seconds(), head.Left.Sub(at).Seconds())
			if !m.hasty && at.Before(last) {
				t.Error("vLLM closes its port while it answers: docs/vllm-events.md says that it doesn't")
			}
		}
		if answer, err := client.Get(health); err == nil {
			answer.Body.Close()
			t.Errorf("the port still answers: %s", answer.Status)
		}
	}, "--shutdown-timeout", "100")
}

// wantOwnAddress checks the variables that are one node's own, in every process
// on it: at least Ray's or vLLM's first process, and one that computes. vLLM's
// driver under Ray lacks those that it would hand to other nodes. copied are more of
// these, which the node has set to its address.
func wantOwnAddress(t *testing.T, n *containers.Container, copied ...string) {
	t.Helper()
	const nccl = "NCCL_SOCKET_IFNAME"
	own := map[string]string{"VLLM_HOST_IP": n.Address(), "GLOO_SOCKET_IFNAME": "eth0", nccl: "=eth0", "TP_SOCKET_IFNAME": "eth0"}
	for _, name := range copied {
		own[name] = n.Address()
	}
	all := processes(t, n, slices.Sorted(maps.Keys(own))...)
	underRay := slices.ContainsFunc(all, func(p process) bool { return strings.HasPrefix(p.Name, "ray::") })
	if len(all) < 2 {
		t.Errorf("%s has %d processes", n.Name, len(all))
	}
	for _, p := range all {
		want := own
		if underRay && (driver.MatchString(p.Name) || helper.MatchString(p.Name) && p.Env[nccl] == "") {
			want = maps.Clone(own)
			for _, name := range append(copied, nccl) {
				want[name] = ""
			}
		}
		if !maps.Equal(p.Env, want) {
			t.Errorf("%s: %s has %v, want %v", n.Name, p.Name, p.Env, want)
		}
	}
}

var (
	// driver matches vLLM's processes that compute nothing themselves under Ray.
	driver = regexp.MustCompile(`vllm serve|^VLLM::EngineCore`)
	// helper matches what may be the driver's or one of Ray's workers'.
	helper = regexp.MustCompile(`from multiprocessing`)
)

// leftover matches what syminit says of what it couldn't end. vLLM itself leaves
// processes now and then, and syminit ends them.
var leftover = regexp.MustCompile(`.*(?:processes outlived|files that may be).*`)

// stop sends TERM to one node and checks that all end with the same one of the
// codes, and none because it was killed.
func stop(t *testing.T, codes []int, told *containers.Container, all ...*containers.Container) {
	t.Helper()
	stopped := time.Now()
	told.Signal("TERM")
	for _, n := range all {
		if code := n.Exit(up); !slices.Contains(codes, code) || code != all[0].Exit(up) {
			t.Errorf("%s ended with code %d, want one of %v, and everywhere the same", n.Name, code, codes)
		}
		n.WantLog("SIGTERM on node " + told.Name)
		t.Logf("%s gone with code %d %.1f s after TERM", n.Name, n.Exit(up), n.Left.Sub(stopped).Seconds())
		if strings.Contains(n.Logs(), "SYMINIT_STOP_TIMEOUT") {
			t.Errorf("%s had to be killed", n.Name)
		}
		if left := leftover.FindString(n.Logs()); left != "" {
			t.Errorf("%s: %s", n.Name, left)
		}
	}
}
