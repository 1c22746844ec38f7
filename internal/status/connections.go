package status

import (
	"net/url"
	"os"
	"strconv"
	"strings"
)

// Connected reports whether somebody has a connection to where the job serves, or
// served until it stopped taking new ones. Of a Unix socket, and where /proc
// doesn't show the network, it is false.
func (h Health) Connected() bool {
	u, err := url.Parse(h.URL)
	if err != nil || h.Socket != "" {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return false
	}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, _ := os.ReadFile(table) // without IPv6 there is no second one
		for line := range strings.Lines(string(text)) {
			if established(line, port) {
				return true
			}
		}
	}
	return false
}

// established reports whether a line of the kernel's table is of a connection at
// that local port (Documentation/networking/proc_net_tcp.rst in Linux).
func established(line string, port uint64) bool {
	const state = "01"
	fields := strings.Fields(line) // number, local address, remote address, state, …
	if len(fields) < 4 || fields[3] != state {
		return false
	}
	_, local, _ := strings.Cut(fields[1], ":")
	n, err := strconv.ParseUint(local, 16, 16)
	return err == nil && n == port
}
