package rendezvous

import (
	"crypto/tls"
	"net"
	"testing"
)

// server is a head's end of a connection.
func server(c net.Conn) *tls.Conn {
	cfg, _ := serverTLS()
	return tls.Server(c, cfg)
}

// channel opens a TLS channel to a head as someone who knows the protocol.
func channel(t testing.TB, p *pipes) *tls.Conn {
	t.Helper()
	conn := p.line(t, addr("10.0.0.66"))
	c := tls.Client(conn, clientTLS())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// answering plays a head for one connection at a time.
func answering(t *testing.T, p *pipes, play func(*tls.Conn)) {
	t.Helper()
	go func() {
		for {
			conn, err := p.Accept()
			if err != nil {
				return
			}
			c := server(conn)
			play(c)
			_ = conn.Close()
		}
	}()
}

// admit greets a worker and reads its join, as a head does.
func admit(c *tls.Conn) {
	_ = greetWorker(c, secret)
	_, _ = readFrame(c, maxJoin)
}

// toWorkerB is what a head of two nodes says to the other up to the agreement.
func toWorkerB(lostAfter int64) []message {
	return []message{
		{Type: kindWelcome, Terms: &terms{LostAfter: lostAfter}},
		{Type: kindPlace, Rank: new(1)},
		{Type: kindRoster, Roster: Roster{Nodes: []Node{{Name: "head"}, {Name: "b"}}}.wire()},
	}
}

// rawWorker is a worker of which the test does the talking: it has been taken
// in, and neither reads nor beats by itself.
func rawWorker(t *testing.T, p *pipes, name string) *tls.Conn {
	t.Helper()
	return rawJoin(t, p, name, 1, kindWelcome)
}

// rawJoin joins by hand and wants an answer of that kind.
func rawJoin(t *testing.T, p *pipes, name string, try int, want kind) *tls.Conn {
	t.Helper()
	c := channel(t, p)
	if err := greetHead(c, secret); err != nil {
		t.Fatal(err)
	}
	frame, err := encode(message{Type: kindJoin, Join: &application{
		ID: name, Try: try, Node: Node{Name: name, Addr: addr("10.0.0.66"), Rank: NoRank},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(frame); err != nil {
		t.Fatal(err)
	}
	body, err := readFrame(c, maxFrame)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := decode(body); err != nil || m.Type != want {
		t.Fatalf("message %+v, error %v, want %s", m, err, want)
	}
	return c
}
