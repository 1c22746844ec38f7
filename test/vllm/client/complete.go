// Package client asks a vLLM server, for the tests and the measurements that have
// one.
package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Complete asks the server for a completion of that many tokens, and returns its
// answer, whose body the caller closes.
func Complete(ctx context.Context, server string, tokens int) (*http.Response, error) {
	return complete(ctx, server, tokens, false)
}

func complete(ctx context.Context, server string, tokens int, stream bool) (*http.Response, error) {
	body := strings.NewReader(fmt.Sprintf(`{"model": "tiny", "prompt": "hello world", "max_tokens": %d, "temperature": 0, "ignore_eos": true, "stream": %t}`, tokens, stream))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/v1/completions", body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(request)
}
