package hostnet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/syminit/syminit/internal/procstat"
)

// Listener names the process that listens at a TCP port of this host, as
// "process 12 (python3)"; "" where there is none, or it can't be seen from here: it
// is another user's, or in a PID namespace of its own.
func Listener(port uint16) string {
	open := sockets(port, listening)
	all, err := procstat.All()
	if err != nil || len(open) == 0 {
		return ""
	}
	for _, p := range all {
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.PID)) // the pattern is well-formed
		for _, fd := range fds {
			if target, err := os.Readlink(fd); err == nil && open[target] {
				return fmt.Sprintf("process %d (%s)", p.PID, strings.Trim(fmt.Sprintf("%q", p.Name), `"`))
			}
		}
	}
	return ""
}
