package status

import (
	"net/url"
	"strconv"

	"github.com/syminit/syminit/internal/hostnet"
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
	return err == nil && hostnet.Connected(uint16(port))
}
