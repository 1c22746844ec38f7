package status

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// What a client can cost: the answers are small, and so are the questions.
const (
	askTimeout   = 5 * time.Second              // for the question
	answerWithin = ProbeTimeout + 5*time.Second // for asking the job, and the answer
	questionMost = 8 << 10                      // bytes, headers included
	clientsMost  = 64                           // at the same time; others wait
	acceptAgain  = 100 * time.Millisecond       // after a failure: of file descriptors, say
)

// A server answers one question a connection. net/http's own server would be
// 0.4 MB more of binary, for keep-alive, HTTP/2 and bodies that nobody here needs.
type server struct {
	listener net.Listener
	log      *zap.Logger
	answer   func(path string) answer
	clients  chan struct{} // of clientsMost: those that are served
	closed   chan struct{}
}

// An answer is what a client gets.
type answer struct {
	code int
	kind string // Content-Type
	body string
}

// run serves until the listener is closed.
func (s *server) run() {
	for {
		s.clients <- struct{}{}
		conn, err := s.listener.Accept()
		if err == nil {
			go s.serve(conn)
			continue
		}
		<-s.clients
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.log.Warn("SYMINIT_STATUS_ADDR: a client can't be served", zap.Error(err))
		select {
		case <-time.After(acceptAgain):
		case <-s.closed:
		}
	}
}

// serve answers one client. Whatever that does to it, the run goes on.
func (s *server) serve(conn net.Conn) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("SYMINIT_STATUS_ADDR: serving a client failed", zap.String("panic", fmt.Sprint(p)))
		}
		_ = conn.Close()
		<-s.clients
	}()
	_ = conn.SetDeadline(time.Now().Add(askTimeout)) // a real socket's, so the real clock
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(conn, questionMost)))
	a := answer{code: http.StatusBadRequest, body: "not an HTTP request\n"}
	header := http.Header{"Cache-Control": {"no-store"}}
	switch {
	case errors.Is(err, io.EOF): // it only looked whether the port is open
		return
	case err != nil:
	case request.Method != http.MethodGet && request.Method != http.MethodHead:
		a = answer{code: http.StatusMethodNotAllowed, body: "only GET and HEAD\n"}
		header.Set("Allow", "GET, HEAD")
	default:
		_ = conn.SetDeadline(time.Now().Add(answerWithin))
		a = s.answer(request.URL.Path)
	}
	if a.kind == "" {
		a.kind = "text/plain; charset=utf-8"
	}
	header.Set("Content-Type", a.kind)
	response := http.Response{
		StatusCode: a.code, ProtoMajor: 1, ProtoMinor: 1, Header: header, Close: true, Request: request,
		ContentLength: int64(len(a.body)), Body: io.NopCloser(strings.NewReader(a.body)),
	}
	_ = response.Write(conn) // fails where nobody waits for it any more
}
