package rendezvous

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusals has one worker refused for each reason, and wants both ends to
// say why.
func TestRefusals(t *testing.T) {
	type setup struct {
		head   *HeadConfig
		first  *WorkerConfig // comes first and is taken in; none if its name is empty
		second *WorkerConfig // is refused
	}
	for _, c := range []struct {
		name   string
		set    func(setup)
		reason []string
		fix    string
		within time.Duration
	}{
		{"wrong secret", func(s setup) {
			s.second.Secret = []byte("not the one of the head")
		}, []string{"secret is not the head's"}, "SYMINIT_TOKEN", 0},
		{"no secret at the worker", func(s setup) {
			s.second.Secret = nil
		}, []string{"the head has a secret, the worker has none"}, "SYMINIT_TOKEN", 0},
		{"no secret at the head", func(s setup) {
			s.head.Secret, s.first.Secret = nil, nil
		}, []string{"the worker has a secret, the head has none"}, "SYMINIT_TOKEN", 0},
		{"values that differ, all of them", func(s setup) {
			s.head.Self.Match = []Match{
				{"SYMINIT_NODES", "3", "set SYMINIT_NODES to the same on every node"},
				{"runtime", "ray", "set SYMINIT_RUNTIME"},
				{"ray", "2.60.0", ""},
				{"python", "", ""},
				{"vllm", "1", ""},
			}
			s.second.Self.Match = []Match{
				{"SYMINIT_NODES", "4", ""}, {"runtime", "ray", ""}, {"ray", "2.59 or so", ""}, {"python", "3.12", ""},
			}
		}, []string{
			"SYMINIT_NODES differs: 3 on the head, 4 on c", `ray differs: 2.60.0 on the head, "2.59 or so" on c`,
		}, "set SYMINIT_NODES to the same on every node", 0},
		{"a rank that another has", func(s setup) {
			s.first.Self.Rank, s.second.Self.Rank = 1, 1
		}, []string{"c (10.0.0.3) has rank 1, and so has b (10.0.0.2)"}, "rank", 0},
		{"the head's rank", func(s setup) {
			s.second.Self.Rank = 0
		}, []string{"c (10.0.0.3) has rank 0, and so has head (10.0.0.1)"}, "rank", 0},
		{"a rank out of range", func(s setup) {
			s.second.Self.Rank = 3
		}, []string{"c (10.0.0.3) has rank 3, and the run has 3 nodes"}, "SYMINIT_NODES", 0},
		{"a second node on one address", func(s setup) {
			s.head.UniqueAddrs = true
			s.second.Self.Addr = addr("10.0.0.2")
		}, []string{"c (10.0.0.2) has the address of b (10.0.0.2)"}, "SYMINIT_NODE_IP", 0},
		{"a second node on the head's address", func(s setup) {
			s.head.UniqueAddrs = true
			s.second.Self.Addr = addr("10.0.0.1")
		}, []string{"c (10.0.0.1) has the address of head (10.0.0.1)"}, "SYMINIT_NODE_IP", 0},
		{"a node too many on a host that has one", func(s setup) {
			s.head.Nodes = 2
			s.second.Self.Name, s.second.Self.Addr = "b", addr("10.0.0.2")
		}, []string{"the run has its 2 nodes: head (10.0.0.1), b (10.0.0.2)"}, "SYMINIT_NODES", 7 * time.Second},
		{"a second node on a host that has one", func(s setup) {
			s.head.UniqueAddrs = true
			s.second.Self.Name, s.second.Self.Addr = "b", addr("10.0.0.2")
		}, []string{"b (10.0.0.2) has the address of b (10.0.0.2)"}, "SYMINIT_NODE_IP", 7 * time.Second},
		{"a node too many", func(s setup) {
			s.head.Nodes = 2
		}, []string{"the run has its 2 nodes: head (10.0.0.1), b (10.0.0.2)"}, "SYMINIT_NODES", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				head, first, second := p.head(3), p.worker("b", "10.0.0.2"), p.worker("c", "10.0.0.3")
				c.set(setup{&head, &first, &second})
				log, seen := logs()
				var told Progress
				head.Log, head.Progress = log, func(p Progress) { told = p }
				h := startHead(t, head)
				ctx, cancel := context.WithCancel(t.Context())
				b := start(ctx, first)
				synctest.Wait()

				began := time.Now()
				_, err := Join(t.Context(), second)
				e := as[*RefusedError](t, err)
				if !containsAll(e.Reason, c.reason) || !strings.Contains(e.Fix, c.fix) || e.Head != "head:6378" {
					t.Errorf("the worker is told %v, want %q and %q", e, c.reason, c.fix)
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("a final refusal took %s", took)
				}
				elapse(time.Second)
				if !said(seen, append(c.reason, "refused a node", "10.0.0.")...) {
					t.Errorf("the head's log lacks %q: %v", c.reason, seen.All())
				}
				if h.state == gathering && !containsAll(told.Problem, c.reason) {
					t.Errorf("the head's progress %+v lacks %q", told, c.reason)
				}
				cancel()
				if j := <-b; j.Worker != nil {
					_ = j.Close()
				}
				_ = h.Close()
			})
		})
	}
}

// channel opens a TLS channel to a head as someone who knows the protocol.
func channel(t testing.TB, p *pipes) *tls.Conn {
	t.Helper()
	conn, err := p.dial(t.Context(), addr("10.0.0.66"))
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(conn, clientTLS())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// corked is a channel that holds back what is written until it is uncorked.
func corked(t *testing.T, p *pipes) (c *tls.Conn, uncork func()) {
	t.Helper()
	conn, err := p.dial(t.Context(), addr("10.0.0.66"))
	if err != nil {
		t.Fatal(err)
	}
	cork := &corkedConn{Conn: conn, open: true}
	c = tls.Client(cork, clientTLS())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	cork.open = false
	return c, func() {
		cork.open = true
		if _, err := conn.Write(cork.held); err != nil {
			t.Error(err)
		}
	}
}

type corkedConn struct {
	net.Conn
	open bool
	held []byte
}

func (c *corkedConn) Write(p []byte) (int, error) {
	if c.open {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// answering plays a head for one connection at a time.
func answering(t *testing.T, p *pipes, play func(*tls.Conn)) {
	t.Helper()
	cfg, err := serverTLS()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := p.Accept()
			if err != nil {
				return
			}
			c := tls.Server(conn, cfg)
			play(c)
			_ = conn.Close()
		}
	}()
}

func TestOtherVersionIsNamedOnBothEnds(t *testing.T) {
	want := []string{"version 2", "version 3"}
	t.Run("head", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			cfg := p.head(2)
			log, seen := logs()
			cfg.Log = log
			h := startHead(t, cfg)
			c, uncork := corked(t, p)
			_, _ = c.Write(hello{version: 3, mode: 7}.bytes())
			_, _ = c.Write(make([]byte, 8192)) // what version 2 knows nothing of
			uncork()
			synctest.Wait() // the head has answered, and would have hung up
			theirs, err := readHello(c)
			if err != nil || theirs.version != 2 || theirs.answer != otherVersion {
				t.Errorf("the head answers %+v, %v", theirs, err)
			}
			_ = c.Close()
			synctest.Wait()
			if !said(seen, append(want, "refused a node")...) {
				t.Errorf("the head's log lacks %q: %v", want, seen.All())
			}
			_ = h.Close()
		})
	})
	t.Run("worker", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			answering(t, p, func(c *tls.Conn) {
				_, _ = io.ReadFull(c, make([]byte, helloSize))
				next := hello{version: 3, mode: 7, answer: otherVersion}
				_, _ = c.Write(append(next.bytes(), "more"...))
			})
			_, err := Join(t.Context(), p.worker("b", "10.0.0.2"))
			if e := as[*RefusedError](t, err); !containsAll(e.Reason, want) || !strings.Contains(e.Fix, "same syminit") {
				t.Errorf("the worker is told %v", e)
			}
			_ = p.Close()
		})
	})
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
			cfg, _ := serverTLS()
			s := tls.Server(c, cfg)
			_, _ = s.Read(make([]byte, 1024))
			_, _ = s.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, "not syminit"},
		{"a head without the secret, which says that all is well", func(c net.Conn) {
			cfg, _ := serverTLS()
			s := tls.Server(c, cfg)
			_, _ = io.ReadFull(s, make([]byte, helloSize))
			_, _ = s.Write(hello{version: protocolVersion, mode: modeSecret}.bytes())
		}, "does not know this node's secret"},
		{"a head that wants no secret", func(c net.Conn) {
			cfg, _ := serverTLS()
			s := tls.Server(c, cfg)
			_, _ = io.ReadFull(s, make([]byte, helloSize))
			_, _ = s.Write(hello{version: protocolVersion}.bytes())
		}, "the head has none"},
		{"a head of tomorrow", func(c net.Conn) {
			cfg, _ := serverTLS()
			s := tls.Server(c, cfg)
			_, _ = io.ReadFull(s, make([]byte, helloSize))
			_, _ = s.Write(hello{version: protocolVersion, mode: modeSecret, answer: 99}.bytes())
		}, "reason 99"},
		{"someone who sends the worker's own proof back", func(c net.Conn) {
			cfg, _ := serverTLS()
			s := tls.Server(c, cfg)
			theirs := make([]byte, helloSize)
			_, _ = io.ReadFull(s, theirs)
			_, _ = s.Write(theirs)
		}, "does not know this node's secret"},
		{"a proxy without a backend", func(net.Conn) {}, ""},
		{"a head that is shot in the middle", func(c net.Conn) {
			cfg, _ := serverTLS()
			_ = tls.Server(c, cfg).Handshake()
		}, ""},
		{"nobody who answers", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
		})
	}
}

func TestJoinAfterTheEndWaitsForTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newPipes(), newPipes()
		h1 := startHead(t, first.head(1))
		h1.Finish(t.Context(), Outcome{})
		dialed := make(chan struct{}, 1000)
		cfg := first.worker("b", "10.0.0.2")
		cfg.Dial = func(ctx context.Context) (net.Conn, error) {
			dialed <- struct{}{}
			if c, err := first.dial(ctx, addr("10.0.0.2")); err == nil {
				return c, nil
			}
			return second.dial(ctx, addr("10.0.0.2"))
		}

		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := Join(short, cfg)
		if e := as[*UnreachableError](t, err); !strings.Contains(e.Error(), "the run has ended; start it again") {
			t.Errorf("error %v", e)
		}
		if n := len(dialed); n < 5 || n > 20 {
			t.Errorf("%d tries in 5 seconds", n)
		}

		j := start(t.Context(), cfg)
		synctest.Wait()
		_ = h1.Close()
		h2 := startHead(t, second.head(2))
		if _, err := h2.Gather(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := &run{head: h2, workers: []*Worker{(<-j).Worker}}
		r.close(t)
	})
}

func TestNodeThatWasLostIsToldToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		r := agree(t, p.head(2), p.worker("b", "10.0.0.2"))
		_ = r.workers[0].Close()
		<-r.head.Events()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := Join(ctx, p.worker("b", "10.0.0.2")) // its container was restarted
		if e := as[*UnreachableError](t, err); !strings.Contains(e.Error(), "has lost b (10.0.0.2)") {
			t.Errorf("error %v", e)
		}
		r.close(t)
	})
}

// TestRelay puts a machine between worker and head that has a channel of its
// own to each and hands everything on.
func TestRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newPipes(), newPipes()
		cfg := far.head(2)
		log, seen := logs()
		cfg.Log = log
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

func TestWrongConfigurations(t *testing.T) {
	p := newPipes()
	for name, change := range map[string]func(*HeadConfig){
		"no listener":         func(c *HeadConfig) { c.Listener = nil },
		"secret is empty":     func(c *HeadConfig) { c.Secret = []byte{} },
		"0 nodes":             func(c *HeadConfig) { c.Nodes = 0 },
		"6001 nodes":          func(c *HeadConfig) { c.Nodes = 6001 },
		"lost after 0s":       func(c *HeadConfig) { c.LostAfter = 0 },
		"head's rank is 1":    func(c *HeadConfig) { c.Self.Rank = 1 },
		"payload is not JSON": func(c *HeadConfig) { c.Payload = []byte("{") },
		"payload of":          func(c *HeadConfig) { c.Payload = make([]byte, maxPayload+1) },
		`node name ""`:        func(c *HeadConfig) { c.Self.Name = "" },
		`node name "a b"`:     func(c *HeadConfig) { c.Self.Name = "a b" },
		"64 printable":        func(c *HeadConfig) { c.Self.Name = strings.Repeat("x", 65) },
		"values to match":     func(c *HeadConfig) { c.Self.Match = make([]Match, maxMatches+1) },
	} {
		cfg := p.head(2)
		change(&cfg)
		if h, err := NewHead(cfg); err == nil {
			t.Errorf("a head with %s", name)
			_ = h.Close()
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for name, change := range map[string]func(*WorkerConfig){
		"nothing to dial":  func(c *WorkerConfig) { c.Dial = nil },
		"secret is empty":  func(c *WorkerConfig) { c.Secret = []byte{} },
		"rank -2":          func(c *WorkerConfig) { c.Self.Rank = -2 },
		`node name "a\tb"`: func(c *WorkerConfig) { c.Self.Name = "a\tb" },
	} {
		cfg := p.worker("b", "10.0.0.2")
		change(&cfg)
		if _, err := Join(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		head, worker := p.head(2), p.worker("b", "10.0.0.2")
		log, seen := logs()
		head.Log, worker.Log = log, log
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
