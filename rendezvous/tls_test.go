package rendezvous

import (
	"crypto/tls"
	"testing"
	"testing/synctest"
)

// ticketless is a client's cache that wants to be given nothing.
type ticketless struct{ t *testing.T }

func (ticketless) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (c ticketless) Put(string, *tls.ClientSessionState)      { c.t.Error("the head gives session tickets") }

// TestNoSessionTickets has a worker read what the head sends first, behind which a
// ticket would be.
func TestNoSessionTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		cfg := clientTLS()
		cfg.ServerName, cfg.ClientSessionCache = "head", ticketless{t}
		c := tls.Client(p.line(t, addr("10.0.0.2")), cfg)
		if err := greetHead(c, secret); err != nil {
			t.Fatal(err)
		}
		_ = c.NetConn().Close()
		_ = h.Close()
	})
}
