package httpx

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// The limits of an answer's body. A longer 2xx is ErrTooLarge, other answers are cut.
const (
	MaxBody      = 16 << 20
	MaxErrorBody = 64 << 10
)

// Timeout bounds one attempt of a client of NewHTTPClient, body included.
const Timeout = 30 * time.Second

// ErrTooLarge reports a 2xx answer with a body over MaxBody.
var ErrTooLarge = errors.New("the answer is over 16 MiB")

// NewHTTPClient returns the client that is used if the caller has none.
func NewHTTPClient() *http.Client {
	return &http.Client{Transport: NewTransport(), Timeout: Timeout}
}

// NewTransport returns a transport with enough idle connections for the parallel calls of one
// token. net/http keeps two for each host, and every further call costs a TLS handshake. It uses
// the proxy of the environment, like net/http's default.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// buffering reads the whole body inside the round trip, so that a connection that breaks in the
// middle of an answer is a failed attempt like any other. It has no CloseIdleConnections, because
// one failed call must not close the connections of other calls.
type buffering struct{ next http.RoundTripper }

// RoundTrip sends one attempt and records its times.
func (b buffering) RoundTrip(req *http.Request) (*http.Response, error) {
	r, _ := req.Context().Value(runKey{}).(*run)
	if r != nil {
		r.sent = r.req.Now()
	}
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if r != nil {
		r.received = r.req.Now()
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	success := resp.StatusCode/100 == 2
	limit := int64(MaxErrorBody)
	if success {
		limit = MaxBody + 1
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	_ = resp.Body.Close()
	if success && err != nil {
		return nil, err
	}
	if success && len(body) > MaxBody {
		return nil, ErrTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
