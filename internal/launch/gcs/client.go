package gcs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const (
	allNodes = "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo"

	// dialTimeout bounds one attempt to connect, so that an address whose
	// packets are dropped is asked again rather than waited for.
	dialTimeout = 2 * time.Second

	// maxReply bounds what is read of one answer. A node takes 0.5 to 1 KB of
	// it, and Ray remembers at most 1,000 dead ones.
	maxReply = 32 << 20

	prefixLen = 5 // of a gRPC message: one byte of flags, four of length
)

// Config says where the GCS listens.
type Config struct {
	Addr netip.AddrPort
	// Token is sent as the bearer token where it isn't empty. Ray before 2.52
	// ignores it.
	Token string
}

// Client asks one GCS. It keeps one connection open, and is safe for use by
// several goroutines.
type Client struct {
	base  url.URL
	token string
	http  *http.Client
}

// New returns a client; it connects with the first question.
func New(c Config) *Client {
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &Client{
		base:  url.URL{Scheme: "http", Host: c.Addr.String()},
		token: c.Token,
		http: &http.Client{Transport: &http.Transport{
			// No Proxy: http_proxy is for the outside world, and the GCS
			// is a peer.
			DialContext:        dialer.DialContext,
			Protocols:          &only,
			DisableCompression: true,
		}},
	}
}

// Close lets the idle connection go.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// AliveNodes returns the nodes whose state is ALIVE, or of these only the ones
// at the given address where that is valid. A node that was killed stays among
// them for up to 30 s, one whose link is cut for more than 60 s: several may
// have one address, and only the ID tells them apart.
func (c *Client) AliveNodes(ctx context.Context, at netip.Addr) ([]Node, error) {
	reply, err := c.call(ctx, allNodes, encodeAllNodes(at))
	if err != nil {
		return nil, err
	}
	nodes, err := decodeAliveNodes(reply)
	if err != nil || !at.IsValid() {
		return nodes, err
	}
	return slices.DeleteFunc(nodes, func(n Node) bool { return n.Addr != at }), nil
}

// call sends a message and returns the message that answers it.
func (c *Client) call(ctx context.Context, method string, msg []byte) ([]byte, error) {
	u := c.base
	u.Path = method
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(frame(msg)))
	if err != nil {
		return nil, fmt.Errorf("ask Ray's GCS: %w", err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		// The url.Error's own prefix repeats method and address at length.
		if urlErr, ok := errors.AsType[*url.Error](err); ok {
			err = urlErr.Err
		}
		return nil, fmt.Errorf("ask Ray's GCS at %s: %w", c.base.Host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := readReply(resp)
	if err != nil {
		return nil, fmt.Errorf("ask Ray's GCS at %s: %w", c.base.Host, err)
	}
	return answer, nil
}

// readReply reads the one message of a unary call, and the status in the
// trailers after it (or in the headers, of an answer that is a refusal).
func readReply(resp *http.Response) ([]byte, error) {
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %s: is something else listening there?", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxReply {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxReply)
	}
	status, message := resp.Trailer.Get("Grpc-Status"), resp.Trailer.Get("Grpc-Message")
	if status == "" {
		status, message = resp.Header.Get("Grpc-Status"), resp.Header.Get("Grpc-Message")
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		return nil, fmt.Errorf("no gRPC status in the answer (%q): is something else listening there?", status)
	}
	if code != 0 {
		return nil, newStatusError(code, message)
	}
	return unframe(body)
}

// frame makes msg the body of a unary call.
func frame(msg []byte) []byte {
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(msg)))
	return append(body, msg...)
}

// unframe returns the message that the body of a unary answer holds.
func unframe(body []byte) ([]byte, error) {
	if len(body) < prefixLen {
		return nil, fmt.Errorf("%w: %d bytes where a gRPC message has at least %d", errWire, len(body), prefixLen)
	}
	if body[0] != 0 {
		return nil, fmt.Errorf("%w: flags %#x (compressed?), none asked for", errWire, body[0])
	}
	msg := body[prefixLen:]
	if n := binary.BigEndian.Uint32(body[1:prefixLen]); uint64(n) != uint64(len(msg)) {
		return nil, fmt.Errorf("%w: message of %d bytes announced, %d came", errWire, n, len(msg))
	}
	return msg, nil
}
