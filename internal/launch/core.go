package launch

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// coreProcesses are what no node of Ray's can do without, by the names that the
// kernel has for them.
var coreProcesses = []string{"gcs_server", "raylet"}

// coreLog bounds what is shown of what such a process wrote to its log, in bytes.
const coreLog = 4 << 10

// DeathError is the end of one of Ray's core processes.
type DeathError struct {
	Name string
	Pid  int
	Log  []string // the last lines of its standard error, where they can be had
}

func (e *DeathError) Error() string { return fmt.Sprintf("its %s (process %d) died", e.Name, e.Pid) }

// AwaitDeath returns a *DeathError when one of the core processes that `ray
// start` has started is dead; nil when ctx ends first. `ray start` looks after
// its children only once it is done itself, and waits for them for up to 40 s
// until then.
func AwaitDeath(ctx context.Context, ray *Process, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	logs := make(map[string]string) // the folder of each one's log, told by its command line while it lives
	for {
		for _, p := range inSession(ray.Pid()) {
			switch {
			case !slices.Contains(coreProcesses, p.Name):
			case p.Dead():
				return &DeathError{Name: p.Name, Pid: p.PID, Log: lastLines(logs[p.Name], p.Name)}
			case logs[p.Name] == "":
				logs[p.Name] = argument(p.PID, "--log_dir=")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// argument returns what follows prefix on a process's command line.
func argument(pid int, prefix string) string {
	line, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return argumentIn(string(line), prefix)
}

// argumentIn is argument for the line as the kernel has it.
func argumentIn(line, prefix string) string {
	for arg := range strings.SplitSeq(line, "\x00") {
		if value, ok := strings.CutPrefix(arg, prefix); ok {
			return value
		}
	}
	return ""
}

// lastLines returns the end of what a process of that name printed as an error.
func lastLines(folder, name string) []string {
	text, err := os.ReadFile(filepath.Join(folder, name+".err"))
	if folder == "" || err != nil {
		return nil
	}
	text = bytes.TrimSpace(text)
	if len(text) > coreLog {
		text = text[len(text)-coreLog:]
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.ToValidUTF8(string(text), "?"), "\n")
}
