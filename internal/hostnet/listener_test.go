package hostnet_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/hostnet"
)

// TestListener finds this process behind its own port, and nobody once it is free.
func TestListener(t *testing.T) {
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := net.Listen(network, "localhost:0")
		if err != nil && network == "tcp6" {
			continue // the host has no IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		port := uint16(l.Addr().(*net.TCPAddr).Port)
		if got, want := hostnet.Listener(port), fmt.Sprintf("process %d (hostnet", os.Getpid()); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q has port %d, want %q", network, got, port, want)
		}
		_ = l.Close()
		if got := hostnet.Listener(port); strings.Contains(got, fmt.Sprint(os.Getpid())) {
			t.Errorf("%s: %q has a port that is free", network, got)
		}
	}
}
