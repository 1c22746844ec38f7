package status

import (
	"net"
	"testing"

	"github.com/syminit/syminit/test/need"
)

func TestConnected(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(at, func(t *testing.T) {
			l, err := net.Listen("tcp", at)
			if err != nil && at == "[::1]:0" {
				need.Missing(t, "needs IPv6: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			h := Health{URL: "http://" + l.Addr().String() + "/health"}
			if h.Connected() {
				t.Error("nobody has connected, and somebody is seen")
			}
			client, err := net.Dial("tcp", l.Addr().String())
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
