package rendezvous

import (
	"context"
	"net"
	"syscall"
	"testing"
)

// keeper is a listener that remembers its connections.
type keeper struct {
	net.Listener
	conns chan net.Conn
}

func (k keeper) Accept() (net.Conn, error) {
	conn, err := k.Listener.Accept()
	if err == nil {
		k.conns <- conn
	}
	return conn, err
}

// TestNoKeepaliveOfTCP: the system's own would say who is lost at other times.
func TestNoKeepaliveOfTCP(t *testing.T) {
	noLeaks(t)
	s := tcp(t)
	conns := make(chan net.Conn, 2)
	head, worker := s.head(2), s.worker("b", "127.0.0.2")
	head.Listener = keeper{s.listener, conns}
	dial := worker.Dial
	worker.Dial = func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		conns <- conn
		return conn, err
	}
	r := agree(t, head, worker)
	for range 2 {
		raw, err := (<-conns).(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		on := -1
		_ = raw.Control(func(fd uintptr) {
			on, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		})
		if err != nil || on != 0 {
			t.Errorf("keepalive is %d, error %v", on, err)
		}
	}
	r.close(t)
}
