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

// load has requests in flight, three rounds of what vLLM is to do at once, and
// returns what becomes of each.
func load(t *testing.T, head *containers.Container) (answers []<-chan error) {
	t.Helper()
	const requests = 12
	for range requests {
		answer := make(chan error, 1)
		go func() { answer <- complete(head, 60) }()
		answers = append(answers, answer)
	}
	answered := func() (n int) {
		for _, answer := range answers {
			n += len(answer)
		}
		return n
	}
	for deadline := time.Now().Add(up); inFlight(t, head)+answered() < requests; {
		if time.Now().After(deadline) {
			t.Fatal("vLLM doesn't take the requests")
		}
	}
	if answered() == requests {
		t.Error("no request is in flight")
	}
	return answers
}

// inFlight is how many requests vLLM says that it has.
func inFlight(t *testing.T, head *containers.Container) (requests int) {
	t.Helper()
	answer, err := http.DefaultClient.Get(url(head, "/metrics"))
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
