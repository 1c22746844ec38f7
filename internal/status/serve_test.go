package status

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// served is a board's server on a port of this host.
func served(t *testing.T, b *Board) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.Serve(l)
	return l.Addr().String()
}

// ask sends a request and returns the answer.
func ask(t *testing.T, address, method, path string) (code int, header http.Header, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

func TestServe(t *testing.T) {
	b := newBoard(t, time.Now)
	b.Begin()
	address := served(t, b)
	want := func(method, path string, code int, says string) {
		t.Helper()
		if got, _, body := ask(t, address, method, path); got != code || !strings.Contains(body, says) {
			t.Errorf("%s %s: %d %q, want %d %q", method, path, got, body, code, says)
		}
	}
	want("GET", "/healthz", 200, "ok")
	want("GET", "/readyz", 503, "not ready: syminit is starting")
	b.Enter(Running)
	want("GET", "/readyz", 200, "ready")
	want("GET", "/readyz?verbose", 200, "ready")
	want("HEAD", "/readyz", 200, "")
	want("GET", "/", 404, "/readyz")
	want("POST", "/readyz", 405, "only GET")
	b.End(`SIGTERM on node "a"`)
	want("GET", "/readyz", 503, "not ready: the run ends: SIGTERM")
	want("GET", "/healthz", 200, "ok")
	var r report
	_, header, body := ask(t, address, "GET", "/status")
	if err := json.Unmarshal([]byte(body), &r); err != nil || r.Ready || r.State.State != Running || r.NotReady != "the run ends: "+r.Ending || header.Get("Content-Type") != "application/json" {
		t.Errorf("%v: %s", err, body)
	}
}

// The metrics are what Prometheus' format wants: HELP, TYPE, then samples.
func TestMetrics(t *testing.T) {
	s := State{Version: "v1", Node: "a\"\\\n", State: Running, Since: time.UnixMilli(1500), Rank: -1, Nodes: 2, Attempt: 3}
	got := metrics(s, true)
	for _, line := range []string{
		`syminit_info{version="v1",node="a\"\\\n",run="",runtime=""} 1`, `syminit_state{state="running"} 1`, `syminit_state{state="done"} 0`,
		"syminit_state_seconds 1.500", "syminit_ready 1", "syminit_nodes 2", "syminit_rank -1", "syminit_runs_total 3",
	} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
	form := regexp.MustCompile(`^(# HELP \w+ .+\.|# TYPE \w+ (gauge|counter)|\w+(\{.+\})? [-.\d]+)$`)
	for line := range strings.Lines(got) {
		if !form.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("%q", line)
		}
	}
	if got := metrics(State{}, false); !strings.Contains(got, "syminit_ready 0\n") {
		t.Errorf("got\n%s", got)
	}
}

// However many ask, the job is asked once a second; and at once in a new state.
func TestJobIsAskedOnceASecond(t *testing.T) {
	var asked atomic.Int32
	job := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer job.Close()
	now := time.Unix(1000, 0)
	b := newBoard(t, func() time.Time { return now })
	run := func() {
		b.Begin()
		b.Enter(Running)
		b.Update(func(s *State) { s.Health = &Health{URL: job.URL} })
	}
	address := ""
	want := func(code int, times int32) {
		t.Helper()
		for range 5 {
			if got, _, body := ask(t, address, "GET", "/readyz"); got != code {
				t.Errorf("%d %s, want %d", got, body, code)
			}
		}
		if got := asked.Load(); got != times {
			t.Errorf("the job was asked %d times, want %d", got, times)
		}
	}
	run()
	address = served(t, b)
	want(200, 1)
	now = now.Add(probeEvery - 1)
	want(200, 1)
	now = now.Add(1)
	want(200, 2)
	now = now.Add(1)
	run()
	want(200, 3)
	b.End("SIGTERM")
	want(503, 3)
}

// A client that says nothing, or one byte a second, or never ends, is gone after
// its time.
func TestSlowClients(t *testing.T) {
	for name, send := range map[string]func(net.Conn){
		"nothing": func(net.Conn) {},
		"a byte a second": func(c net.Conn) {
			for _, b := range []byte("GET /healthz HTTP/1.1\r\n") {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				<-time.After(time.Second)
			}
		},
		"more than a question": func(c net.Conn) {
			_, _ = c.Write([]byte("GET /healthz HTTP/1.1\r\nX: " + strings.Repeat("x", 2*questionMost) + "\r\n\r\n"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, conn := net.Pipe()
				s := &server{log: zap.NewNop(), clients: make(chan struct{}, 1), answer: func(string) answer { return answer{code: 200} }}
				s.clients <- struct{}{}
				began := time.Now()
				var clients sync.WaitGroup
				clients.Go(func() { send(client) })
				clients.Go(func() { _, _ = io.Copy(io.Discard, client) })
				s.serve(conn)
				if took := time.Since(began); took > askTimeout {
					t.Errorf("it was served for %s", took)
				}
				_ = client.Close()
				clients.Wait()
			})
		})
	}
}

// Clients that hold their connections keep others waiting only until their time
// is over, and a client that fails costs nothing but its answer.
func TestManyClients(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	s := &server{listener: l, log: zap.NewNop(), clients: make(chan struct{}, clientsMost), closed: make(chan struct{}), answer: func(path string) answer {
		if path == "/mistake" {
			panic(path)
		}
		return answer{code: 200}
	}}
	over := make(chan struct{})
	go func() { defer close(over); s.run() }()
	for range 3 * clientsMost {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("\x16\x03\x01 no HTTP\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || line != "HTTP/1.1 400 Bad Request\r\n" {
			t.Errorf("%q, %v", line, err)
		}
		_ = conn.Close()
	}
	for range 3 * clientsMost {
		if response, err := http.Get("http://" + address + "/mistake"); err == nil {
			_ = response.Body.Close()
			t.Fatal("a panic is an answer")
		}
	}
	if code, _, _ := ask(t, address, "GET", "/"); code != 200 {
		t.Errorf("%d", code)
	}
	_ = l.Close()
	<-over
}
