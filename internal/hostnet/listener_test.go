package hostnet_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/hostnet"
	"github.com/syminit/syminit/test/need"
)

// TestListener finds this process behind its own port, and nobody once it is free.
func TestListener(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(at, func(t *testing.T) {
			l, err := net.Listen("tcp", at)
			if err != nil && at == "[::1]:0" {
				need.Missing(t, "needs IPv6: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			port := uint16(l.Addr().(*net.TCPAddr).Port)
			if got, want := hostnet.Listener(port), fmt.Sprintf("process %d (hostnet", os.Getpid()); !strings.HasPrefix(got, want) {
				t.Errorf("%q has port %d, want %q", got, port, want)
			}
			_ = l.Close()
			if got := hostnet.Listener(port); strings.Contains(got, fmt.Sprint(os.Getpid())) {
				t.Errorf("%q has a port that is free", got)
			}
		})
	}
}
