package status

import (
	"net"
	"strconv"
	"testing"

	"github.com/syminit/syminit/test/need"
)

func TestConnected(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			// At all addresses: one of IPv6 alone may get a port from which somebody has
			// connected over IPv4.
			l, err := net.Listen("tcp", ":0")
			if err != nil {
				t.Fatal(err)
			}
			at := net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
			h := Health{URL: "http://" + at + "/health"}
			if h.Connected() {
				t.Error("nobody has connected, and somebody is seen")
			}
			client, err := net.Dial("tcp", at)
			if err != nil && host == "::1" {
				need.Missing(t, "needs IPv6: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
			if h.Listens() || !h.Connected() {
				t.Errorf("takes connections: %t, has some: %t, want the second alone", h.Listens(), h.Connected())
			}
			_ = server.Close()
			_ = client.Close()
			if h.Connected() {
				t.Error("the connection is closed, and is seen")
			}
		})
	}
}
