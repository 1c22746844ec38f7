package hostnet

import (
	"bytes"
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
	sockets := listening(port)
	all, err := procstat.All()
	if err != nil || len(sockets) == 0 {
		return ""
	}
	for _, p := range all {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.PID)) // the pattern is well-formed
		for _, fd := range open {
			if target, err := os.Readlink(fd); err == nil && sockets[target] {
				return fmt.Sprintf("process %d (%s)", p.PID, strings.Trim(fmt.Sprintf("%q", p.Name), `"`))
			}
		}
	}
	return ""
}

// listening returns the sockets that listen at a port, as links in /proc/PID/fd name
// them. The columns are those of proc_pid_net(5).
func listening(port uint16) map[string]bool {
	const address, state, inode, listen = 1, 3, 9, "0A"
	sockets := make(map[string]bool)
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile("/proc/thread-self/net/" + table)
		for line := range bytes.Lines(text) {
			f := strings.Fields(string(line))
			if len(f) > inode && f[state] == listen && strings.HasSuffix(f[address], fmt.Sprintf(":%04X", port)) {
				sockets["socket:["+f[inode]+"]"] = true
			}
		}
	}
	return sockets
}
