package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/signals"
)

const secret = "b7e23ec29af22b0b4e41da31e868d57226121c84"

// lines returns the error's lines.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestDefaults(t *testing.T) {
	c, err := config.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Resolve(); err != nil {
		t.Fatal(err)
	}
	wantFields(t, c, map[string]any{
		"Nodes": 1, "MaxNodes": 1, "Role": config.RoleAuto, "Rank": -1, "Cluster": "auto",
		"Runtime": config.RuntimeAuto, "Service": config.ServiceAuto, "Port": uint16(6378),
		"JoinTimeout": 10 * time.Minute, "StartTimeout": 5 * time.Minute, "LostAfter": 10 * time.Second,
		"StopTimeout": 9 * time.Second, "EndMargin": 14 * time.Second, "OnLoss": "fail",
		"Propagate": config.Globs{"VLLM_*", "FLASH_ATTENTION_*", "LMCACHE_*", "NCCL_*", "GLOO_*", "UCX_*", "RAY_*", "HF_*", "HUGGING_FACE_*"},
		"RayPort":   uint16(6379), "RayBin": "ray", "Preflight": "warn", "LogLevel": "info", "LogFormat": "console", "StatusAddr": "off",
	})
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("warnings about nothing: %q", w)
	}
}

// wantFields holds c's exported fields against want; those that want doesn't
// name must be zero. The secret is left to its own tests.
func wantFields(t *testing.T, c *config.Config, want map[string]any) {
	t.Helper()
	v := reflect.ValueOf(c).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.IsExported() || f.Name == "Token" {
			continue
		}
		wanted, ok := want[f.Name]
		if !ok {
			wanted = reflect.Zero(f.Type).Interface()
		}
		if got := v.FieldByIndex(f.Index).Interface(); !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s = %#v, want %#v", f.Name, got, wanted)
		}
	}
}

// every is each variable with a right value that is not its default.
var every = map[string]string{
	"HEAD": "node-1.example.com", "NODES": "2", "MAX_NODES": "3", "ROLE": "WORKER", "RANK": "1", "CLUSTER": "none",
	"RUNTIME": "ray", "SERVICE": "True", "PORT": "7000", "TOKEN": " " + secret + "\n", "INSECURE": "0",
	"NODE_IP": "fe80::1%eth0", "INTERFACE": "eth0", "JOIN_TIMEOUT": "1h30m", "START_TIMEOUT": " 20s ", "LOST_AFTER": "1s",
	"STOP_TIMEOUT": "1m", "END_MARGIN": "2m", "RESTARTS": "2", "ON_LOSS": "ignore", "PROPAGATE": " A_* , B ,,", "RAY_PORT": "7001",
	"RAY_START_ARGS": `--labels='a=b c' --verbose`, "RAY_BIN": "/opt/ray/bin/ray", "RAY_DASHBOARD": "true",
	"REWRITE_SIGNALS": "TERM:INT", "WAIT_ALL": "true", "PREFLIGHT": "Fail", "LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json", "STATUS_ADDR": ":9090",
}

func environ(vars map[string]string) []string {
	env := []string{"PATH=/bin", "HOME=/", "NODES=7"}
	for name, value := range vars {
		env = append(env, "SYMINIT_"+name+"="+value)
	}
	return env
}

func TestEveryVariable(t *testing.T) {
	c, err := config.Load(environ(every))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Token.Reveal()); got != secret {
		t.Errorf("the secret is %q", got)
	}
	wantFields(t, c, map[string]any{
		"Head": "node-1.example.com", "Nodes": 2, "MaxNodes": 3, "Role": config.RoleWorker, "Rank": 1, "Cluster": "none",
		"Runtime": config.RuntimeRay, "Service": config.ServiceTrue, "Port": uint16(7000),
		"NodeIP": netip.MustParseAddr("fe80::1%eth0"), "Interface": "eth0",
		"JoinTimeout": 90 * time.Minute, "StartTimeout": 20 * time.Second, "LostAfter": time.Second, "StopTimeout": time.Minute,
		"EndMargin": 2 * time.Minute,
		"Restarts":  config.Restarts(2), "OnLoss": "ignore", "Propagate": config.Globs{"A_*", "B"}, "RayPort": uint16(7001),
		"RayStartArgs": config.Words{"--labels=a=b c", "--verbose"}, "RayBin": "/opt/ray/bin/ray", "RayDashboard": true,
		"RewriteSignals": signals.Rewrites{syscall.SIGTERM: syscall.SIGINT},
		"WaitAll":        true,
		"Preflight":      "fail", "LogLevel": "debug", "LogFormat": "json", "StatusAddr": ":9090",
	})
	for _, v := range c.Values() {
		name := strings.TrimPrefix(v.Name, "SYMINIT_")
		if _, ok := every[name]; !ok && name != "TOKEN_FILE" {
			t.Errorf("%s isn't in this test", v.Name)
		}
		if name != "TOKEN_FILE" && v.Source != config.SourceEnvironment {
			t.Errorf("%s comes from %q", v.Name, v.Source)
		}
	}
}

func TestEmptyIsUnset(t *testing.T) {
	vars := map[string]string{"TIMEOT": ""}
	for name := range every {
		vars[name] = " \t"
	}
	c, err := config.Load(environ(vars))
	if err != nil {
		t.Fatal(err)
	}
	unset, _ := config.Load(nil)
	if !reflect.DeepEqual(c, unset) {
		t.Errorf("got %+v, want %+v", c, unset)
	}
}

func TestFirstOfTwoHolds(t *testing.T) {
	c, err := config.Load([]string{"SYMINIT_NODES=3", "SYMINIT_NODES=x"})
	if err != nil || c.Nodes != 3 {
		t.Errorf("%d nodes, error %v", c.Nodes, err)
	}
}

func TestOutputsAreTolerated(t *testing.T) {
	c, err := config.Load(environ(map[string]string{
		"RANK": "0", "NODES": "2", "HEAD_IP": "10.0.0.1", "NODE_IP": "10.0.0.1", "NODE_IPS": "10.0.0.1,10.0.0.2",
	}))
	if err != nil || c.Rank != 0 || c.Nodes != 2 {
		t.Errorf("rank %d of %d, error %v", c.Rank, c.Nodes, err)
	}
}

func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", secret+"\r\n", 0o444)
	c, err := config.Load(environ(map[string]string{"TOKEN_FILE": good}))
	if err != nil || string(c.Token.Reveal()) != secret {
		t.Fatalf("secret %q, error %v", c.Token.Reveal(), err)
	}
	i := slices.IndexFunc(c.Values(), func(v config.Value) bool { return v.Name == "SYMINIT_TOKEN" })
	if v := c.Values()[i]; v.Value != "***" || v.Source != "SYMINIT_TOKEN_FILE" {
		t.Errorf("shown as %+v", v)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, why := range map[string]string{
		file("empty", " \n", 0o600):                         "the file is empty",
		file("large", strings.Repeat("x", 64<<10+1), 0o600): "larger than 64 KiB",
		fifo: "not a regular file",
		dir:  "not a regular file",
	} {
		_, err := config.Load(environ(map[string]string{"TOKEN_FILE": path}))
		if got := lines(err); len(got) != 1 || !strings.Contains(got[0], why) || !strings.Contains(got[0], path) {
			t.Errorf("%s: %q", path, got)
		}
	}
	_, err = config.Load(environ(map[string]string{"TOKEN_FILE": good, "TOKEN": secret}))
	if got := lines(err); len(got) != 1 || !strings.Contains(got[0], "unset one of the two") {
		t.Errorf("both: %q", got)
	}
	t.Run("closed", func(t *testing.T) {
		// Root reads everything, but for its capabilities. The thread ends with the test.
		runtime.LockOSThread()
		if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &make([]unix.CapUserData, 2)[0]); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(environ(map[string]string{"TOKEN_FILE": file("closed", secret, 0)}))
		if got := lines(err); len(got) != 1 || !strings.Contains(got[0], "permission denied") {
			t.Errorf("%q", got)
		}
	})
}

func TestFill(t *testing.T) {
	c, err := config.Load(environ(map[string]string{"NODES": "4", "PORT": "7000", "TOKEN": secret, "LOG_LEVEL": "warn", "RANK": "x"}))
	if len(lines(err)) != 1 {
		t.Fatal(err)
	}
	err = c.Fill("slurm", map[string]string{"SYMINIT_NODES": "2", "SYMINIT_HEAD": "n1", "SYMINIT_MAX_NODES": "none", "SYMINIT_RANK": "3", "SYMINIT_HAED": "n1"})
	got := lines(err)
	if len(got) != 2 || !strings.Contains(got[0], "SYMINIT_HAED") || !strings.HasPrefix(got[1], `SYMINIT_MAX_NODES="none" (from slurm): `) {
		t.Errorf("got %q", got)
	}
	if c.Nodes != 4 || c.Head != "n1" || c.Port != 7000 || c.LogLevel != "warn" || string(c.Token.Reveal()) != secret || c.JoinTimeout != 10*time.Minute {
		t.Errorf("got %+v", c)
	}
	sources := map[string]string{}
	for _, v := range c.Values() {
		sources[v.Name] = v.Source
	}
	for name, want := range map[string]string{
		"SYMINIT_NODES": "environment", "SYMINIT_HEAD": "slurm", "SYMINIT_RAY_PORT": "default", "SYMINIT_TOKEN": "environment",
	} {
		if sources[name] != want {
			t.Errorf("%s comes from %q, want %q", name, sources[name], want)
		}
	}
	if err := c.Resolve(); err != nil {
		t.Errorf("Resolve repeats or invents problems: %v", err)
	}
}
