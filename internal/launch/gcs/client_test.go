package gcs

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// versions are those whose answers lie in testdata: bodies as a real GCS sent
// them for a cluster of the head 127.0.0.1, the worker 127.0.0.2, and one dead
// worker that had been at 127.0.0.2 before.
var versions = []string{"2.40.0", "2.52.0", "2.60.0"}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// serve starts an HTTP/2 server without TLS, as a GCS is one, and returns a
// client of it.
func serve(t *testing.T, token string, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	client := New(Config{Addr: netip.MustParseAddrPort(server.Listener.Addr().String()), Token: token})
	t.Cleanup(client.Close)
	return client
}

// answer writes a unary gRPC answer: body, then the status in the trailers.
func answer(w http.ResponseWriter, body []byte, status string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(body)
	w.Header().Set("Grpc-Status", status)
}

// refuse writes a gRPC answer that has a status and no body.
func refuse(w http.ResponseWriter, status, message string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Grpc-Status", status)
	w.Header().Set("Grpc-Message", message)
}

func TestAnswersOfRealRay(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			client := serve(t, "", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == allNodes {
					answer(w, recorded(t, "nodes-"+version+".bin"), "0")
				}
			})
			nodes, err := client.AliveNodes(t.Context(), netip.Addr{})
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(nodes, func(a, b Node) int { return a.Addr.Compare(b.Addr) })
			for i, n := range nodes {
				if len(n.ID) != 56 {
					t.Errorf("node ID %q: want 28 bytes in hex", n.ID)
				}
				nodes[i].ID = ""
			}
			head, worker := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
			want := []Node{{Name: "127.0.0.1", Addr: head, IsHead: true}, {Name: "127.0.0.2", Addr: worker}}
			if !slices.Equal(nodes, want) {
				t.Errorf("AliveNodes() = %+v, want %+v", nodes, want)
			}

			// The recorded answer holds all nodes, as that of a Ray that can't
			// filter does.
			nodes, err = client.AliveNodes(t.Context(), worker)
			if err != nil || len(nodes) != 1 || nodes[0].Addr != worker {
				t.Errorf("AliveNodes(%s) = %+v, %v", worker, nodes, err)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	var got struct {
		proto, contentType, te, auth string
		body                         []byte
	}
	client := serve(t, "s3cret", func(w http.ResponseWriter, r *http.Request) {
		got.proto, got.contentType, got.te, got.auth = r.Proto, r.Header.Get("Content-Type"), r.Header.Get("TE"), r.Header.Get("Authorization")
		got.body, _ = io.ReadAll(r.Body)
		answer(w, []byte{0, 0, 0, 0, 0}, "0")
	})
	if _, err := client.AliveNodes(t.Context(), netip.MustParseAddr("127.0.0.2")); err != nil {
		t.Fatal(err)
	}
	if got.proto != "HTTP/2.0" || got.contentType != "application/grpc" || got.te != "trailers" || got.auth != "Bearer s3cret" {
		t.Errorf("request: %+v", got)
	}
	// A length prefix, then field 2 (node_selectors) with field 3 (the address).
	if want := "\x00\x00\x00\x00\x0d\x12\x0b\x1a\x09127.0.0.2"; string(got.body) != want {
		t.Errorf("body = %q, want %q", got.body, want)
	}
}

func TestToken(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer right" {
			refuse(w, "16", "InvalidAuthToken: Authentication token is missing or incorrect")
			return
		}
		answer(w, recorded(t, "nodes-2.60.0.bin"), "0")
	}
	if _, err := serve(t, "right", handler).AliveNodes(t.Context(), netip.Addr{}); err != nil {
		t.Errorf("right token: %v", err)
	}
	for _, token := range []string{"", "wr0ng"} {
		_, err := serve(t, token, handler).AliveNodes(t.Context(), netip.Addr{})
		if !errors.Is(err, ErrToken) {
			t.Errorf("token %q: error %v, want ErrToken", token, err)
		}
		if token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

func TestBadAnswers(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"not found": {
			func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) },
			"HTTP status 404",
		},
		"no gRPC": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
			"is something else listening there?",
		},
		"refused": {
			func(w http.ResponseWriter, _ *http.Request) { refuse(w, "14", "50%25 down") },
			"gRPC status 14: 50% down",
		},
		"long message": {
			func(w http.ResponseWriter, _ *http.Request) { refuse(w, "2", strings.Repeat("x", 4000)) },
			"xxx…",
		},
		"empty": {
			func(w http.ResponseWriter, _ *http.Request) { answer(w, nil, "0") },
			"malformed answer",
		},
		"cut short": {
			func(w http.ResponseWriter, _ *http.Request) {
				body := recorded(t, "nodes-2.60.0.bin")
				answer(w, body[:len(body)-1], "0")
			},
			"message of 1541 bytes announced, 1540 came",
		},
		"compressed": {
			func(w http.ResponseWriter, _ *http.Request) { answer(w, []byte{1, 0, 0, 0, 0}, "0") },
			"compressed?",
		},
		"status in the message": {
			// field 1, a GcsStatus of code 5 and message "down"
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, []byte("\x00\x00\x00\x00\x0a\x0a\x08\x08\x05\x12\x04down"), "0")
			},
			"status 5: down",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, "", test.handler).AliveNodes(t.Context(), netip.Addr{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
			if errors.Is(err, ErrToken) {
				t.Errorf("%v counts as a wrong token", err)
			}
			if err != nil && len(err.Error()) > 600 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestEndlessAnswer(t *testing.T) {
	client := serve(t, "", func(w http.ResponseWriter, r *http.Request) {
		chunk := make([]byte, 1<<20)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if _, err := client.AliveNodes(t.Context(), netip.Addr{}); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("error %v, want one about the length", err)
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = New(Config{Addr: addr}).AliveNodes(t.Context(), netip.Addr{})
	if err == nil || !strings.Contains(err.Error(), addr.String()) {
		t.Errorf("error %v, want one that names %s", err, addr)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := serve(t, "", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := client.AliveNodes(ctx, netip.Addr{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
