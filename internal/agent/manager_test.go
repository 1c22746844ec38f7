package agent

import (
	"net"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/zap"
)

// managersSocket is the end of NOTIFY_SOCKET where a service manager listens.
func managersSocket(t *testing.T) *net.UnixConn {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	socket, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	t.Setenv(notifySocket, addr.Name)
	return socket
}

func TestManagerIsToldOnce(t *testing.T) {
	socket := managersSocket(t)
	m := manager{log: zap.NewNop()}
	m.up()
	m.up() // after a restart
	m.ending()
	m.ending()
	(&manager{log: zap.NewNop(), stopping: true}).up() // too late
	m.tell("X_END=1")
	buf := make([]byte, 100)
	for _, want := range []string{"READY=1", "STOPPING=1", "X_END=1"} {
		n, err := socket.Read(buf)
		if got := string(buf[:n]); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestManagerIsTheAgents(t *testing.T) {
	got := withoutManager([]string{"A=1", "NOTIFY_SOCKET=/run/notify", "NOTIFY_SOCKETS=2"})
	if want := []string{"A=1", "NOTIFY_SOCKETS=2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
