package hostnet

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// The states of a socket as the kernel's table has them (tcp_states.h in Linux).
const (
	established = "01"
	listening   = "0A"
)

// Connected reports whether somebody has a connection to a TCP port of this host,
// be it one where nobody listens any more. Where /proc doesn't show the network, it
// is false.
func Connected(port uint16) bool { return len(sockets(port, established)) > 0 }

// sockets returns those at a local port that are in a state, as links in /proc/PID/fd
// name them. The columns are those of proc_pid_net(5).
func sockets(port uint16, state string) map[string]bool {
	const address, status, inode = 1, 3, 9
	found := make(map[string]bool)
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile("/proc/thread-self/net/" + table) // without IPv6 there is no second one
		for line := range bytes.Lines(text) {
			f := strings.Fields(string(line))
			if len(f) > inode && f[status] == state && strings.HasSuffix(f[address], fmt.Sprintf(":%04X", port)) {
				found["socket:["+f[inode]+"]"] = true
			}
		}
	}
	return found
}
