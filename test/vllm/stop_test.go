package vllm

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
)

// TestTermOnTheWorker: docker stop on the node that serves nothing ends both,
// after the requests in flight, which vLLM was to wait for, have been answered.
func TestTermOnTheWorker(t *testing.T) {
	inEachMode(t, serving, func(t *testing.T, m mode, head, worker *containers.Container) {
		if m.hasty {
			stop(t, worker, head, worker)
			return
		}
		const requests = 12 // three rounds of what vLLM is to do at once
		answered := make(chan error, requests)
		for range requests {
			go func() { answered <- complete(head, 60) }()
		}
		for deadline := time.Now().Add(up); inFlight(t, head)+len(answered) < requests; {
			if time.Now().After(deadline) {
				t.Fatal("vLLM doesn't take the requests")
			}
		}
		t.Logf("%d of %d requests answered before TERM", len(answered), requests)
		if len(answered) == requests {
			t.Error("no request is in flight")
		}
		stop(t, worker, head, worker)
		for range requests {
			if err := <-answered; err != nil {
				t.Errorf("a request that was in flight: %v", err)
			}
		}
	}, "--shutdown-timeout", "100")
}

// inFlight is how many requests vLLM says that it has.
func inFlight(t *testing.T, head *containers.Container) (requests int) {
	t.Helper()
	answer, err := http.Get(url(head, "/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, gauge := range gauges.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.ParseFloat(gauge[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		requests += int(n)
	}
	return requests
}

var gauges = regexp.MustCompile(`(?m)^vllm:num_requests_(?:running|waiting)\{.*\} (.*)$`)

// TestTermWhileStarting: before vLLM has an engine, and while its engine starts
// and the nodes wait for each other. At that moment one TERM is not enough for
// vLLM.
func TestTermWhileStarting(t *testing.T) {
	for name, tt := range map[string]struct {
		moment string // what the head has printed
		told   func(head, worker *containers.Container) *containers.Container
	}{
		"head, no engine":         {"non-default args", func(head, _ *containers.Container) *containers.Container { return head }},
		"worker, engine starting": {"Initializing a V1 LLM engine", func(_, worker *containers.Container) *containers.Container { return worker }},
	} {
		t.Run(name, func(t *testing.T) {
			inEachMode(t, tt.moment, func(t *testing.T, _ mode, head, worker *containers.Container) {
				stop(t, tt.told(head, worker), head, worker)
			})
		})
	}
}
