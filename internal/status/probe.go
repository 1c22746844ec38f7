package status

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// ProbeTimeout is how long a server may take to answer: much longer than one
// that only does its work, shorter than what Docker and Kubernetes wait.
const ProbeTimeout = 5 * time.Second

// probe returns nil if the server at h answers 200.
func probe(ctx context.Context, h Health) error {
	ctx, cancel := context.WithTimeout(ctx, ProbeTimeout)
	defer cancel()
	transport := &http.Transport{ // no proxy: the server is this node's own
		DisableKeepAlives: true,
		// Whose certificate it is doesn't matter for whether it answers, and it
		// hardly names 127.0.0.1.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // nothing is sent
	}
	if h.Socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", h.Socket)
		}
	}
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return fmt.Errorf("ask the job: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // which repeats method and URL
		}
		return fmt.Errorf("the job doesn't serve yet, %s: %w", h.URL, err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the job doesn't serve, %s: %s", h.URL, response.Status)
	}
	return nil
}

// Listens reports whether somebody takes connections where the job is to serve:
// then it may have requests, though it has not been found ready yet. It takes a
// tenth of a second at most.
func (h Health) Listens() bool {
	network, address := "unix", h.Socket
	if h.Socket == "" {
		u, err := url.Parse(h.URL)
		if err != nil {
			return false
		}
		network, address = "tcp", u.Host
	}
	conn, err := net.DialTimeout(network, address, 100*time.Millisecond)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
