package slurm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// silence is an address (RFC 5737) at which no name server answers: the cluster's
// hub, which is the way to everywhere, drops what is sent there.
const silence = "192.0.2.53"

// silent has the hub drop what is sent to silence, and returns a hosts file without
// the nodes' names.
func silent(t *testing.T, h *hosts) string {
	t.Helper()
	if out, err := h.in(nil, "ip", "route", "replace", "blackhole", silence); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("127.0.0.1 localhost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestUnknownNames: a real Ray job in containers that know no node's name, and whose
// name server never answers. The head's address is Slurm's.
func TestUnknownNames(t *testing.T) {
	h := *cluster(t)
	h.args += " --no-hosts --dns " + silence + " -v " + silent(t, &h) + ":/etc/hosts:ro"
	j := h.submit(t, []string{"EXIT_CODE=7", "SYMINIT_JOIN_TIMEOUT=2m"}, []string{"--nodes=3"}, "python3", "/jobs/nodes.py")
	if got := j.code(); got != "7" {
		t.Fatalf("exit code %s, want 7", got)
	}
	j.prints("JOB nodes=3", "JOB task host=node1", "JOB task host=node2", "JOB task host=node3")
}

// TestUnknownHead: srun runs where no head is, and no name server answers. The error
// says what was tried.
func TestUnknownHead(t *testing.T) {
	h := cluster(t)
	servers := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(servers, []byte("nameserver "+silence+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := h.in([]string{"SYMINIT_TOKEN=0123456789abcdef", "SYMINIT_JOIN_TIMEOUT=8s", "SYMINIT_RUNTIME=spmd"}, "srun", "-Q", "-N2", "--ntasks-per-node=1",
		"unshare", "--mount", "sh", "-c", "mount --bind "+silent(t, h)+" /etc/hosts; mount --bind "+servers+" /etc/resolv.conf; exec ../../bin/syminit true")
	if err == nil || err.Error() != "exit status 69" {
		t.Errorf("srun: %v, want exit status 69", err)
	}
	if want := "the name node1 doesn't resolve, for no name server answers; tried the hosts file and DNS, " +
		"SLURM_NODE_ALIASES (has no address of it), SLURM_LAUNCH_NODE_IPADDR (10.231.78.1, where srun runs): connection refused"; !strings.Contains(out, want) {
		t.Errorf("it doesn't say %q", want)
	}
	if t.Failed() {
		t.Log(out)
	}
}
