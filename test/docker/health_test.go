package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// asked makes Docker ask for the container's health as a HEALTHCHECK in the
// image would: there is no port, and nowhere to write.
var asked = []string{"--read-only", "--health-cmd", "syminit health", "--health-interval", "300ms", "--health-retries", "1"}

// waitHealth returns once Docker says so of the container.
func waitHealth(t *testing.T, n *containers.Container, want string) {
	t.Helper()
	deadline := time.After(up)
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		health := containers.Docker(t, "inspect", "-f", "{{.State.Health.Status}}{{range .State.Health.Log}}\n{{.Output}}{{end}}", n.ID)
		if status, _, _ := strings.Cut(health, "\n"); status == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the health of %s isn't %s but %s", n.Name, want, health)
		case <-poll.C:
		}
	}
}

// TestHealth: the head is healthy as long as the server on it serves, a worker
// as long as the run goes on.
func TestHealth(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	head, worker := c.Pair(containers.Host{
		Options: append(asked, "--tmpfs", "/tmp"), Args: []string{"/jobs/healthy/vllm", "serve", "m"},
		Env: []string{"SYMINIT_STOP_TIMEOUT=" + up.String()}, // for as long as this looks at the server that drains
	})
	head.WaitLog("JOB up", up)
	waitHealth(t, worker, "healthy")
	waitHealth(t, head, "unhealthy")
	containers.Docker(t, "kill", "--signal", "USR1", head.ID)
	waitHealth(t, head, "healthy")
	if got := head.Exec("syminit status"); !strings.Contains(got, "ready    yes") || !strings.Contains(got, "1  worker") {
		t.Errorf("the head's status:\n%s", got)
	}
	containers.Docker(t, "kill", "--signal", "TERM", worker.ID)
	waitHealth(t, worker, "unhealthy")
	waitHealth(t, head, "unhealthy")
	containers.Docker(t, "kill", "--signal", "USR1", head.ID)
	containers.WantExits(t, up, 0, head, worker)
}

// TestHealthAsAnyUser: whoever runs syminit in the container, and with whatever
// rights, the health check finds it.
func TestHealthAsAnyUser(t *testing.T) {
	serve := []string{"/jobs/healthy/vllm", "serve", "m", "--port", "8001"}
	dropping := append([]string{"--reuid", "1000", "--regid", "1000", "--clear-groups", "/usr/local/bin/syminit", "--"}, serve...)
	for name, h := range map[string]containers.Host{
		"user without rights": {Options: []string{"--user", "1000:1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"}, Args: serve},
		"root without rights": {Options: []string{"--cap-drop", "ALL"}, Args: serve},
		"user, asked by root": {Options: []string{"--entrypoint", "setpriv"}, Args: dropping},
		"below another init":  {Options: []string{"--init"}, Args: serve},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.Name, h.Env, h.Options = "alone", []string{"SYMINIT_NODES=1"}, append(h.Options, asked...)
			alone := newCluster(t).Run(h)
			alone.WaitLog("JOB up", up)
			waitHealth(t, alone, "unhealthy")
			containers.Docker(t, "kill", "--signal", "USR1", alone.ID)
			waitHealth(t, alone, "healthy")
		})
	}
}
