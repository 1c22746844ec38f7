package launch

import (
	"strings"
	"testing"
)

func TestRayPorts(t *testing.T) {
	got := RayPorts(strings.Fields("--num-cpus 2 --node-manager-port=7001 --object-manager-port 0 --metrics-export-port x"))
	if len(got) != 1 || got["--node-manager-port"] != 7001 {
		t.Errorf("ports %v", got)
	}
}

func TestCheckRayPorts(t *testing.T) {
	for _, tt := range []struct {
		port    uint16
		options string
		want    []string // words of the error; nil: none
	}{
		{6379, "", nil},
		{10001, "", nil},
		{10002, "", []string{"SYMINIT_RAY_PORT=10002", "10002 to 19999 (Ray's own choice)"}},
		{19999, "--num-cpus=2", []string{"SYMINIT_RAY_PORT=19999", "--min-worker-port"}},
		{20000, "", nil},
		{10500, "--min-worker-port=20000 --max-worker-port 20100", nil},
		{20050, "--min-worker-port=20000 --max-worker-port 20100", []string{"SYMINIT_RAY_PORT=20050", "20000 to 20100 (--min-worker-port and --max-worker-port in SYMINIT_RAY_START_ARGS)"}},
		{10500, "--max-worker-port=10400", nil},
		{10500, "--min-worker-port 0 --max-worker-port 0", nil},
		{10500, "--worker-port-list=7000,7001", nil},
		{7001, "--worker-port-list=7000,7001", []string{"SYMINIT_RAY_PORT=7001", "7000,7001 (--worker-port-list"}},
		{0, "--dashboard-port=10500", []string{"SYMINIT_RAY_START_ARGS: --dashboard-port=10500", "10002 to 19999"}},
		{0, "--metrics-export-port 12000", []string{"--metrics-export-port=12000"}},
		{0, "--min-worker-port=8000 --max-worker-port=9000", []string{"--dashboard-port, 8265 by default", "8000 to 9000"}},
		{0, "--min-worker-port=8000 --max-worker-port=9000 --dashboard-port=9001", nil},
		{0, "--min-worker-port=52000 --max-worker-port=53000", []string{"--dashboard-agent-listen-port, 52365 by default"}},
		{0, "--object-manager-port=0 --min-worker-port=0 --max-worker-port=0", nil},
	} {
		err := CheckRayPorts(tt.port, strings.Fields(tt.options))
		if (err == nil) != (tt.want == nil) || err != nil && !containsAll(err.Error(), tt.want) {
			t.Errorf("SYMINIT_RAY_PORT=%d, %s: error %v, want one with %q", tt.port, tt.options, err, tt.want)
		}
	}
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
