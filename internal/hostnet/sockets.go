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
// name them.
func sockets(port uint16, state string) map[string]bool {
	found := make(map[string]bool)
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile("/proc/thread-self/net/" + table) // without IPv6 there is no second one
		for _, inode := range inodes(text, port, state) {
			found["socket:["+inode+"]"] = true
		}
	}
	return found
}

// inodes reads the kernel's table of sockets, with the columns of proc_pid_net(5).
func inodes(table []byte, port uint16, state string) (list []string) {
	const address, status, inode = 1, 3, 9
	for line := range bytes.Lines(table) {
		f := strings.Fields(string(line))
		if len(f) > inode && f[status] == state && strings.HasSuffix(f[address], fmt.Sprintf(":%04X", port)) {
			list = append(list, f[inode])
		}
	}
	return list
}
