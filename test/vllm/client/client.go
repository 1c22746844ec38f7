// Package client asks a vLLM server, for the tests and the measurements that have
// one.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Complete asks the server for a completion of that many tokens, and returns its
// answer, whose body the caller closes.
func Complete(ctx context.Context, server string, tokens int) (*http.Response, error) {
	body := strings.NewReader(fmt.Sprintf(`{"model": "tiny", "prompt": "hello world", "max_tokens": %d, "temperature": 0, "ignore_eos": true}`, tokens))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/v1/completions", body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(request)
}

// InFlight is how many requests the server says that it has.
func InFlight(ctx context.Context, server string) (requests int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	for _, gauge := range gauges.FindAllStringSubmatch(string(text), -1) {
		n, perr := strconv.ParseFloat(gauge[1], 64)
		requests, err = requests+int(n), errors.Join(err, perr)
	}
	return requests, err
}

var gauges = regexp.MustCompile(`(?m)^vllm:num_requests_(?:running|waiting)\{.*\} (.*)$`)
