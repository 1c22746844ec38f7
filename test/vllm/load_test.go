package vllm

import (
	"context"
	"testing"

	"github.com/syminit/syminit/test/containers"
	"github.com/syminit/syminit/test/vllm/client"
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
	ctx, cancel := context.WithTimeout(t.Context(), up)
	defer cancel()
	for taken := 0; taken < requests; taken += answered() {
		var err error
		if taken, err = client.InFlight(ctx, url(head, "")); err != nil {
			t.Fatal("vLLM doesn't take the requests: ", err)
		}
	}
	if answered() == requests {
		t.Error("no request is in flight")
	}
	return answers
}
