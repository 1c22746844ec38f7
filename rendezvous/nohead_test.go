package rendezvous

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a head that says so, whatever the worker has said.
func answers(h hello) func(net.Conn) {
	return func(c net.Conn) {
		s := server(c)
		_, _ = io.ReadFull(s, make([]byte, helloSize))
		_, _ = s.Write(h.bytes())
	}
}

func TestWorkerFindsSomethingElse(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(net.Conn)
		want string // part of the refusal; empty: it tries again
	}{
		{"a mail server", func(c net.Conn) {
			_, _ = c.Write([]byte("220 mail.example.com ESMTP\r\n"))
			_, _ = c.Read(make([]byte, 4096)) // what is left unread makes its end a reset
		}, "not syminit"},
		{"a web server", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, "not syminit"},
		{"TLS 1.2", func(c net.Conn) {
			cfg, _ := serverTLS()
			cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
			_ = tls.Server(c, cfg).Handshake()
		}, "not syminit"},
		{"a secure web server", func(c net.Conn) {
			s := server(c)
			_, _ = s.Read(make([]byte, 1024))
			_, _ = s.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, "not syminit"},
		{"a head without the secret, which says that all is well", answers(hello{version: protocolVersion, mode: modeSecret}), "does not know this node's secret"},
		{"a head that wants no secret", answers(hello{version: protocolVersion}), "the head has none"},
		{"a head of tomorrow", answers(hello{version: protocolVersion, mode: modeSecret, answer: 99}), "reason 99"},
		{"someone who sends the worker's own proof back", func(c net.Conn) {
			s := server(c)
			theirs := make([]byte, helloSize)
			_, _ = io.ReadFull(s, theirs)
			_, _ = s.Write(theirs)
		}, "does not know this node's secret"},
		{"a proxy without a backend", func(net.Conn) {}, ""},
		{"a head that is shot in the middle", func(c net.Conn) {
			_ = server(c).Handshake()
		}, ""},
		{"nobody who answers", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, ""},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			p := newPipes()
			over := make(chan struct{})
			go func() {
				defer close(over)
				for {
					conn, err := p.Accept()
					if err != nil {
						return
					}
					go func() {
						c.play(conn)
						_ = conn.Close()
					}()
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := Join(ctx, p.worker("b", "10.0.0.2"))
			if c.want == "" {
				_ = as[*UnreachableError](t, err)
			} else if e := as[*RefusedError](t, err); !strings.Contains(e.Reason, c.want) || e.Fix == "" {
				t.Errorf("the worker is told %v, want %q", e, c.want)
			}
			_ = p.Close()
			<-over
		})
	}
}

func TestHeadThatNeverComes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want []string
	}{
		{
			&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
			[]string{"head:6378", "1m0s", "connection refused", "start the head"},
		},
		{
			&net.OpError{Op: "dial", Err: &net.DNSError{Name: "nosuch", Err: "no such host"}},
			[]string{"nosuch doesn't resolve", "SYMINIT_HEAD"},
		},
		{context.DeadlineExceeded, []string{"no answer", "firewall"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := newPipes().worker("b", "10.0.0.2")
			cfg.Dial = func(context.Context) (net.Conn, error) { return nil, c.err }
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := Join(ctx, cfg)
			e := as[*UnreachableError](t, err)
			if e.Head != cfg.Head || e.Waited != time.Minute || !errors.Is(err, c.err) || !containsAll(err.Error(), c.want) {
				t.Errorf("%v, want the words %q", err, c.want)
			}
		})
	}
}

// TestNobodyAnswersAsAHead within the time for it: the worker gives up. One that
// has had an answer once goes on.
func TestNobodyAnswersAsAHead(t *testing.T) {
	for name, c := range map[string]struct {
		answers bool
		waits   time.Duration
	}{"nobody": {false, 20 * time.Second}, "one that is shot then": {true, time.Minute}} {
		inBubble(t, name, func(t *testing.T) {
			p := newPipes()
			cfg := p.worker("b", "10.0.0.2")
			cfg.AnswerWithin = 20 * time.Second
			dialed := 0
			cfg.Dial = func(context.Context) (net.Conn, error) {
				if dialed++; dialed > 1 || !c.answers {
					return nil, syscall.ECONNREFUSED
				}
				ours, theirs := net.Pipe()
				go func() {
					defer func() { _ = theirs.Close() }()
					_ = greetWorker(server(theirs), cfg.Secret)
				}()
				return ours, nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := Join(ctx, cfg)
			e := as[*UnreachableError](t, err)
			if e.Silent == c.answers || e.Waited < c.waits || e.Waited > c.waits+pauseMax || e.Reason() != "connection refused" {
				t.Errorf("%+v", e)
			}
		})
	}
}
