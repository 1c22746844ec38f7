package podman

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// TestNotify: a service manager hears READY when the server in the container
// serves, not when it starts, and STOPPING when all is over. runc's own way to it
// (--sdnotify=container, see TestExample) hands on READY only, so the socket is
// mounted here.
func TestNotify(t *testing.T) {
	e := engines(t)[0]
	t.Parallel()
	manager, path := newManager(t)
	n := onHost(t, 5, nil, e.run(t, []string{
		"--sdnotify=ignore", "-v", path + ":/manager", "-e", "NOTIFY_SOCKET=/manager", "-e", "SYMINIT_RUNTIME=spmd",
	}, "/jobs/healthy/vllm", "serve", "m").Args...)
	n.prints(t, "JOB up") // what is said before the job starts has arrived now
	hearsNothing(t, manager)
	tell(t, n, syscall.SIGUSR1)
	hears(t, manager, "READY=1")
	tell(t, n, syscall.SIGTERM)
	tell(t, n, syscall.SIGUSR1)
	hears(t, manager, "STOPPING=1")
	if got := code(n.cmd.Wait()); got != 0 {
		t.Errorf("it ended with code %d", got)
	}
	hearsNothing(t, manager)
}

// newManager is a service manager, with the path of its NOTIFY_SOCKET.
func newManager(t *testing.T) (manager *net.UnixConn, path string) {
	t.Helper()
	path = t.TempDir() + "/notify"
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.Close() })
	return manager, path
}

// hears wants this to be the next that the manager is told.
func hears(t *testing.T, manager *net.UnixConn, want string) {
	t.Helper()
	if got := hearsOf(t, manager); got != want {
		t.Fatalf("the service manager hears %q, want %q", got, want)
	}
}

// hearsOf returns the next that the manager is told.
func hearsOf(t *testing.T, manager *net.UnixConn) string {
	t.Helper()
	if err := manager.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := manager.Read(buf)
	if err != nil {
		t.Fatalf("the service manager hears nothing: %v", err)
	}
	return string(buf[:n])
}

// hearsNothing wants the manager to have been told nothing more up to now.
func hearsNothing(t *testing.T, manager *net.UnixConn) {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, manager.LocalAddr().(*net.UnixAddr))
	if err == nil {
		_, err = conn.Write([]byte("X_NOW=1"))
		_ = conn.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	hears(t, manager, "X_NOW=1")
}

// tell sends a signal to podman's client, which hands it on.
func tell(t *testing.T, n *node, s syscall.Signal) {
	t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		t.Error(err)
	}
}
