package config_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

// wrong is, for each variable, values that are refused and a part of why.
var wrong = []struct{ name, value, why string }{
	{"HEAD", "host:6378", "give the host alone: SYMINIT_HEAD=host"},
	{"HEAD", "[fd00::1]:6378", "give the host alone: SYMINIT_HEAD=fd00::1"},
	{"HEAD", "[fd00::1]", "leave them out: SYMINIT_HEAD=fd00::1"},
	{"HEAD", "a\nb:1", "give the host alone"},
	{"HEAD", "http://host/x", "a URL, not a host"},
	{"HEAD", "http://host:8000", "give the host alone: SYMINIT_HEAD=host"},
	{"HEAD", "tcp://[fd00::1]:80/x", "give the host alone: SYMINIT_HEAD=fd00::1"},
	{"HEAD", "http://", "a URL, not a host"},
	{"HEAD", "köln", "no letters but a to z; accepted: a host name or an IP address, without a port; next: give the name that DNS has for it"},
	{"HEAD", "-host", "neither"},
	{"HEAD", "host-", "neither"},
	{"HEAD", "a.-b", "neither"},
	{"HEAD", "fe80::1", "write the interface that leads there behind it, as in fe80::1%eth0"},
	{"HEAD", "255.255.255.255", "not the address of one host"},
	{"HEAD", "0.0.0.0", "not the address of one host"},
	{"HEAD", "::", "not the address of one host"},
	{"HEAD", "ff02::1", "not the address of one host"},
	{"HEAD", "fe80::1%a\nb", "the part behind % is not"},
	{"HEAD", "[fe80::1%a\nb]:1", "give the host alone"},
	{"HEAD", "10.0.0.256", "neither"},
	{"HEAD", "two hosts", "neither"},
	{"HEAD", "a..b", "neither"},
	{"HEAD", strings.Repeat("a", 64), "neither"},
	{"NODES", "two", "not a whole number"},
	{"NODES", `"2"`, "not a whole number"},
	{"NODES", "0", "out of range; accepted: a whole number from 1 to 6000"},
	{"NODES", "-1", "out of range"},
	{"NODES", "99999999999", "out of range"},
	{"MAX_NODES", "0", "out of range"},
	{"ROLE", "leader", "accepted: auto, head or worker; next: correct it or unset it (default auto)"},
	{"RANK", "-1", "out of range"},
	{"RANK", "first", "not a whole number"},
	{"CLUSTER", "kubernetes", "sagemaker, slurm"},
	{"RUNTIME", "dask", "auto, ray, mp, spmd or none"},
	{"SERVICE", "yes", "auto, true or false"},
	{"PORT", "0", "from 1 to 65535"},
	{"PORT", "65536", "out of range"},
	{"PORT", "-1", "out of range"},
	{"PORT", "tcp://10.0.0.1:80", "not a whole number"},
	{"TOKEN_FILE", "/no/such/file", "no such file"},
	{"TOKEN_FILE", "/", "not a regular file"},
	{"INSECURE", "yes", "neither true nor false; accepted: true or false"},
	{"NODE_IP", "eth0", "not an IP address"},
	{"NODE_IP", "fe80::1%e/0", "the part behind % is not"},
	{"NODE_IP", "0.0.0.0", "not the address of one host"},
	{"INTERFACE", "=eth0", "not NCCL's notation"},
	{"INTERFACE", "eth0,eth1", "not NCCL's notation"},
	{"INTERFACE", "a-name-of-more-than-15", "not an interface's name"},
	{"JOIN_TIMEOUT", "600", "a number without a unit; accepted: a duration from 1s to 87600h, such as 90s, 10m or 1h30m; next: write 600s"},
	{"JOIN_TIMEOUT", "soon", "not a duration"},
	{"START_TIMEOUT", "-5m", "too short"},
	{"LOST_AFTER", "0s", "too short"},
	{"LOST_AFTER", "25h", "too long; accepted: a duration from 1s to 24h"}, // as rendezvous has it
	{"STOP_TIMEOUT", "2562047h47m16s", "too long"},
	{"END_MARGIN", "2562047h", "too long"},
	{"STOP_TIMEOUT", "999ms", "too short"},
	{"END_MARGIN", "-1s", "too short"},
	{"RESTARTS", "-1", "unlimited"},
	{"RESTARTS", "often", "neither a whole number"},
	{"RESTARTS", "1000001", "out of range"},
	{"ON_LOSS", "restart", "fail or ignore"},
	{"PROPAGATE", "NCCL_[", `bad pattern "NCCL_["`},
	{"PROPAGATE", "A=b", `bad pattern "A=b"`},
	{"RAY_PORT", "x", "not a whole number"},
	{"RAY_START_ARGS", "--labels='a", "a quote ' without its end"},
	{"RAY_START_ARGS", `a\`, "a backslash at the end"},
	{"RAY_DASHBOARD", "on", "true or false"},
	{"REWRITE_SIGNALS", "TERM", "TERM:INT"},
	{"REWRITE_SIGNALS", strings.Repeat("a", 99), "is no rewrite: want FROM:TO"},
	{"REWRITE_SIGNALS", "NOPE:INT", "accepted: a comma list of FROM:TO"},
	{"WAIT_ALL", "on", "true or false"},
	{"PREFLIGHT", "error", "warn, fail or off"},
	{"LOG_LEVEL", "loud", "debug, info, warn or error"},
	{"LOG_FORMAT", "text", "console or json"},
	{"STATUS_ADDR", "9090", "not HOST:PORT"},
	{"STATUS_ADDR", ":http", "from 1 to 65535"},
	{"STATUS_ADDR", "*:9090", "leave it out for every address of this host: SYMINIT_STATUS_ADDR=:9090"},
	{"STATUS_ADDR", "a b:9090", "neither a host name nor"},
}

func TestWrongValues(t *testing.T) {
	tried := map[string]bool{
		"TOKEN": true, "RAY_BIN": true, // any text is right
	}
	for _, w := range wrong {
		tried[w.name] = true
		t.Run(w.name+"="+w.value, func(t *testing.T) {
			c, err := config.Load(environ(map[string]string{w.name: w.value}))
			got := lines(err)
			if len(got) != 1 {
				t.Fatalf("want one line, got %q", got)
			}
			for _, part := range []string{"SYMINIT_" + w.name + "=" + strconv.Quote(w.value), w.why, "; accepted: ", "; next: "} {
				if !strings.Contains(got[0], part) {
					t.Errorf("%q lacks %q", got[0], part)
				}
			}
			// What follows from a refused value alone is no problem of its own.
			if err := c.Resolve(); err != nil && w.name != "NODES" {
				t.Errorf("and then: %v", err)
			}
		})
	}
	c, _ := config.Load(nil)
	for _, v := range c.Values() {
		if !tried[strings.TrimPrefix(v.Name, "SYMINIT_")] {
			t.Errorf("no wrong value tried for %s", v.Name)
		}
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	vars := map[string]string{}
	for _, w := range wrong {
		vars[w.name] = w.value
	}
	vars["TIMEOT"] = "x"
	_, err := config.Load(environ(vars))
	if got := lines(err); len(got) != len(vars) {
		t.Errorf("%d wrong variables, %d lines:\n%v", len(vars), len(got), err)
	}
	for name := range vars {
		if !strings.Contains(err.Error(), "SYMINIT_"+name) {
			t.Errorf("%s isn't named", name)
		}
	}
}

func TestErrorLineIsReadable(t *testing.T) {
	_, err := config.Load(environ(map[string]string{"PORT": "70000"}))
	want := `SYMINIT_PORT="70000": out of range; accepted: a whole number from 1 to 65535; next: correct it or unset it (default 6378)`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	for _, name := range []string{"PORT", "HEAD", "JOIN_TIMEOUT", "REWRITE_SIGNALS", "STATUS_ADDR", "INTERFACE"} {
		for _, before := range []string{"", "TERM:"} {
			_, err = config.Load(environ(map[string]string{name: before + strings.Repeat("é", 5000) + "\n\x1b[2J"}))
			if got := lines(err); len(got) != 1 || len(got[0]) > 600 || strings.Contains(got[0], "\x1b") {
				t.Errorf("got %q", got)
			}
		}
	}
}

func TestUnknownVariables(t *testing.T) {
	for name, nearest := range map[string]string{
		"JOIN_TIMEOT": "SYMINIT_JOIN_TIMEOUT", "NODE": "SYMINIT_NODES", "TOKN": "SYMINIT_TOKEN", "HEADS": "SYMINIT_HEAD",
		"RAY_DASHBORD": "SYMINIT_RAY_DASHBOARD", "log_level": "SYMINIT_", "": "SYMINIT_",
	} {
		_, err := config.Load(environ(map[string]string{name: secret}))
		got := lines(err)
		if len(got) != 1 || !strings.HasPrefix(got[0], "SYMINIT_"+name+": ") || !strings.Contains(got[0], "did you mean "+nearest) {
			t.Errorf("%s: %q", name, got)
		}
		if strings.Contains(fmt.Sprint(err), secret) {
			t.Errorf("%s: the value is shown: %v", name, err)
		}
	}
}
