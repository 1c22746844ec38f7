package status

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"
)

// probeEvery is how often the job is asked, however many ask here.
const probeEvery = time.Second

// A pulse is what the job answered when it was asked last.
type pulse struct {
	mu    sync.Mutex
	at    time.Time
	since time.Time // of the state that was asked about
	err   error
}

// Serve answers over HTTP at the listener until Close: /healthz whether syminit
// lives, /readyz whether the run is ready, /status what the Board has, as JSON,
// and /metrics the same for Prometheus.
func (b *Board) Serve(listener net.Listener) {
	b.server = &server{
		listener: listener, log: b.log, answer: b.answer,
		clients: make(chan struct{}, clientsMost), closed: make(chan struct{}),
	}
	go b.server.run()
}

func (b *Board) answer(path string) answer {
	switch path {
	case "/healthz":
		return answer{code: http.StatusOK, body: "ok\n"}
	case "/readyz":
		if _, err := b.ready(); err != nil {
			return answer{code: http.StatusServiceUnavailable, body: "not ready: " + err.Error() + "\n"}
		}
		return answer{code: http.StatusOK, body: "ready\n"}
	case "/status":
		state, err := b.ready()
		r := report{State: state, Ready: err == nil}
		if err != nil {
			r.NotReady = err.Error()
		}
		body, _ := json.MarshalIndent(r, "", "  ") // strings, numbers and times: cannot fail
		return answer{code: http.StatusOK, kind: "application/json", body: string(body) + "\n"}
	case "/metrics":
		state, err := b.ready()
		return answer{code: http.StatusOK, kind: "text/plain; version=0.0.4; charset=utf-8", body: metrics(state, err == nil)}
	}
	return answer{code: http.StatusNotFound, body: "/healthz, /readyz, /status and /metrics are here\n"}
}

// A report is a State and what was found out for it.
type report struct {
	State
	Ready    bool   `json:"ready"`
	NotReady string `json:"not_ready,omitempty"` // why
}

// AwaitReady returns nil once this node is ready, or why ctx has ended. Before,
// notYet hears about once a second why it is not.
func (b *Board) AwaitReady(ctx context.Context, notYet func(error)) error {
	for {
		_, err := b.ready()
		if err == nil {
			return nil
		}
		notYet(err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(probeEvery):
		}
	}
}

// ready is State.Ready, which asks the job every probeEvery at most. Who comes
// meanwhile gets the same answer.
func (b *Board) ready() (State, error) {
	state := b.Read()
	if err := state.notRunning(); err != nil || state.Health == nil {
		return state, err
	}
	b.pulse.mu.Lock()
	defer b.pulse.mu.Unlock()
	if b.now().Sub(b.pulse.at) >= probeEvery || !b.pulse.since.Equal(state.Since) {
		b.pulse.err = probe(context.Background(), *state.Health)
		b.pulse.at, b.pulse.since = b.now(), state.Since
	}
	state = b.Read() // the run's end may have come meanwhile
	if err := state.notRunning(); err != nil {
		return state, err
	}
	return state, b.pulse.err
}
