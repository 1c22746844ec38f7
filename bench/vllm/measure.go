package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/syminit/syminit/bench/docker"
)

// A result is what became of the nodes and of a request after an event.
type result struct {
	Head, Worker end
	Answers      int     // of the requests in flight
	Request      string  // empty: not asked
	Answered     float64 // seconds after it was sent
	Patience     float64 // seconds that a node which stays was watched
}

// An end is one node's.
type end struct {
	Started bool
	Gone    bool
	Code    int
	After   float64 // seconds after the event
}

func (m measurement) measure(image string, patience time.Duration) (r result, err error) {
	w := &world{measurement: m}
	if w.net, err = docker.NewNetwork(); err != nil {
		return r, err
	}
	defer w.net.Remove()
	if w.head, err = w.start(image, "head"); err != nil {
		return r, err
	}
	if m.barred {
		if err := w.bar(); err != nil {
			return r, err
		}
	}
	if m.moment != "" {
		if w.worker, err = w.start(image, "worker"); err != nil {
			return r, err
		}
	}
	switch {
	case m.moment == early:
		<-time.After(5 * time.Second) // the point itself, no condition
	case m.barred && m.syminit: // which looks before vLLM begins: it is from the worker's start on
	default:
		if err := w.reach(m.point()); err != nil {
			return r, err
		}
	}
	if m.moment == serving {
		if got := w.ask(context.Background(), 8); got != "200" {
			return r, fmt.Errorf("the first completion: %s", got)
		}
	}
	answers, err := w.load()
	if err != nil {
		return r, err
	}
	began := time.Now()
	if err := m.do(w); err != nil {
		return r, err
	}
	r.Patience = patience.Seconds()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if m.ask {
		settled, cancel := context.WithTimeout(ctx, settle)
		defer cancel()
		watch(settled, w.worker, began)
		asked := time.Now()
		r.Request = w.ask(ctx, 8)
		r.Answered = time.Since(asked).Seconds()
	}
	r.Head, r.Worker = watch(ctx, w.head, began), watch(ctx, w.worker, began)
	for range m.inFlight {
		if <-answers == "200" {
			r.Answers++
		}
	}
	return r, nil
}

// settle is how long a request waits for the worker's end, so that it meets what
// the event made of the run.
const settle = 20 * time.Second

// point is what the head has printed when the event happens.
func (m measurement) point() string {
	switch {
	case m.moment != "":
		return m.moment
	case m.syminit:
		return "1/2 nodes are here"
	case m.symmetric:
		return "Head node started."
	default:
		// The last thing that it says before it waits.
		return beginning
	}
}

// watch waits for a container's end.
func watch(ctx context.Context, id string, began time.Time) (e end) {
	if id == "" {
		return e
	}
	e.Started = true
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		state, err := docker.Run("inspect", "-f", "{{.State.Running}} {{.State.ExitCode}}", id)
		var running bool
		if err == nil {
			_, err = fmt.Sscan(state, &running, &e.Code)
		}
		if err == nil && !running {
			gone, err := docker.Time(id, "FinishedAt")
			e.Gone, e.After = err == nil, gone.Sub(began).Seconds()
			return e
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return e
		}
	}
}

func (r result) String() string {
	text := "head " + r.Head.String(r.Patience)
	if r.Worker.Started {
		text += ", worker " + r.Worker.String(r.Patience)
	}
	switch r.Request {
	case "":
	case "no answer":
		text += fmt.Sprintf("; a request: no answer in %.0f s", r.Patience)
	default:
		text += fmt.Sprintf("; a request: %s after %.1f s", r.Request, r.Answered)
	}
	return text
}

func (e end) String(patience float64) string {
	if !e.Gone {
		return fmt.Sprintf("**stays** (%.0f s and more)", patience)
	}
	return strconv.Itoa(e.Code) + fmt.Sprintf(" after %.1f s", e.After)
}
