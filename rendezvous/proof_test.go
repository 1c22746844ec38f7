package rendezvous

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
)

// TestRelay puts a machine between worker and head that has a channel of its
// own to each and hands everything on.
func TestRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newPipes(), newPipes()
		cfg := far.head(2)
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		passed := make(chan int64, 2)
		answering(t, near, func(worker *tls.Conn) {
			head := channel(t, far)
			go func() {
				n, _ := io.Copy(head, worker)
				passed <- n
				_ = head.Close()
			}()
			n, _ := io.Copy(worker, head)
			passed <- n
			_ = worker.Close()
		})
		_, err := Join(t.Context(), near.worker("b", "10.0.0.2"))
		want := []string{"secret is not the head's, or something between them relays"}
		if e := as[*RefusedError](t, err); !containsAll(e.Reason, want) {
			t.Errorf("the worker is told %v", e)
		}
		if n := <-passed + <-passed; n != 2*int64(helloSize) {
			t.Errorf("the relay saw %d bytes, want the %d of the two greetings", n, 2*helloSize)
		}
		synctest.Wait()
		if !said(seen, append(want, "refused a node")...) {
			t.Errorf("the head's log lacks %q: %v", want, seen.All())
		}
		_ = near.Close()
		_ = h.Close()
	})
}

func TestProofIsWorthNothingInAnotherChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		one, other := channel(t, p), channel(t, p)
		proof, err := signed(secret, roleWorker, one.ConnectionState())
		if err != nil {
			t.Fatal(err)
		}
		for c, want := range map[*tls.Conn]answer{one: fine, other: wrongSecret} {
			if _, err := c.Write(proof.bytes()); err != nil {
				t.Fatal(err)
			}
			theirs, err := readHello(c)
			if err != nil || theirs.answer != want {
				t.Errorf("answer %d, error %v, want %d", theirs.answer, err, want)
			}
			_ = c.NetConn().Close()
		}
		_ = h.Close()
	})
}

// TestProofIsAsWrittenDown makes a proof by hand, as docs/protocol.md says.
func TestProofIsAsWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := startHead(t, p.head(2))
		conn := channel(t, p)
		for _, r := range []string{"head", "worker"} {
			key, err := hkdf.Key(sha256.New, secret, nil, "syminit rendezvous, proof of the "+r, 32)
			if err != nil {
				t.Fatal(err)
			}
			state := conn.ConnectionState()
			bound, err := state.ExportKeyingMaterial("EXPORTER-syminit-rendezvous", []byte(r), 32)
			if err != nil {
				t.Fatal(err)
			}
			mac := hmac.New(sha256.New, key)
			mac.Write(bound)
			mac.Write([]byte("syminit\n\x00\x02\x01\x00"))
			if got, err := signed(secret, role(r), state); err != nil || string(got.proof[:]) != string(mac.Sum(nil)) {
				t.Errorf("the %s's proof is another one, error %v", r, err)
			}
		}
		_ = conn.NetConn().Close()
		_ = h.Close()
	})
}

func TestWithoutASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		head, worker := p.head(2), p.worker("b", "10.0.0.2")
		head.Secret, worker.Secret = nil, nil
		r := agree(t, head, worker)
		r.ready(t)
		r.close(t)
	})
}

func TestSecretsAreNeverShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		head, worker := p.head(2), p.worker("b", "10.0.0.2")
		seen := logged(&head.Log)
		worker.Log = head.Log
		worker.Secret = []byte("another secret")
		h := startHead(t, head)
		_, err := Join(t.Context(), worker)
		synctest.Wait()
		for _, s := range []string{string(secret), "another secret"} {
			if said(seen, s) || strings.Contains(err.Error(), s) {
				t.Errorf("%q is in the log or in %v", s, err)
			}
		}
		if reflect.ValueOf(seen.All()).Len() == 0 {
			t.Error("nothing was logged at all")
		}
		_ = h.Close()
	})
}
