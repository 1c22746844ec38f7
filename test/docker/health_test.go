package docker

import (
	"strings"
	"testing"
	"time"
)

// asked makes Docker ask for the container's health as a HEALTHCHECK in the
// image would: there is no port, and nowhere to write.
var asked = []string{"--read-only", "--health-cmd", "syminit health", "--health-interval", "300ms", "--health-retries", "1"}

// waitHealth returns once Docker says so of the container.
func (n *container) waitHealth(want string) {
	n.t.Helper()
	deadline := time.After(up)
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		health := docker(n.t, "inspect", "-f", "{{.State.Health.Status}}{{range .State.Health.Log}}\n{{.Output}}{{end}}", n.id)
		if status, _, _ := strings.Cut(health, "\n"); status == want {
			return
		}
		select {
		case <-deadline:
			n.t.Fatalf("the health of %s isn't %s but %s", n.name, want, health)
		case <-poll.C:
		}
	}
}

// TestHealth: the head is healthy as long as the server on it serves, a worker
// as long as the run goes on.
func TestHealth(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := pair(c, host{options: append(asked, "--tmpfs", "/tmp"), args: []string{"/jobs/vllm", "serve", "m"}})
	head.waitLog("JOB up", up)
	worker.waitHealth("healthy")
	head.waitHealth("unhealthy")
	docker(t, "kill", "--signal", "USR1", head.id)
	head.waitHealth("healthy")
	if got := head.exec("syminit status"); !strings.Contains(got, "ready    yes") || !strings.Contains(got, "1  worker") {
		t.Errorf("the head's status:\n%s", got)
	}
	docker(t, "kill", "--signal", "TERM", worker.id)
	worker.waitHealth("unhealthy")
	head.waitHealth("unhealthy")
	docker(t, "kill", "--signal", "USR1", head.id)
	wantExits(t, up, 0, head, worker)
}

// TestHealthAsAnyUser: whoever runs syminit in the container, and with whatever
// rights, the health check finds it.
func TestHealthAsAnyUser(t *testing.T) {
	serve := []string{"/jobs/vllm", "serve", "m", "--port", "8001"}
	dropping := append([]string{"--reuid", "1000", "--regid", "1000", "--clear-groups", "/usr/local/bin/syminit", "--"}, serve...)
	for name, h := range map[string]host{
		"user without rights": {options: []string{"--user", "1000:1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"}, args: serve},
		"root without rights": {options: []string{"--cap-drop", "ALL"}, args: serve},
		"user, asked by root": {options: []string{"--entrypoint", "setpriv"}, args: dropping},
		"below another init":  {options: []string{"--init"}, args: serve},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.name, h.env, h.options = "alone", []string{"SYMINIT_NODES=1"}, append(h.options, asked...)
			alone := newCluster(t).run(h)
			alone.waitLog("JOB up", up)
			alone.waitHealth("unhealthy")
			docker(t, "kill", "--signal", "USR1", alone.id)
			alone.waitHealth("healthy")
		})
	}
}
