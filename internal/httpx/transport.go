package httpx

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Limits of what is read of an answer.
const (
	MaxBody      = 16 << 20
	MaxErrorBody = 64 << 10
)

// Timeout bounds one attempt of a client made by NewHTTPClient, body included.
const Timeout = 30 * time.Second

// ErrTooLarge is a 2xx answer over MaxBody.
var ErrTooLarge = errors.New("the answer is over 16 MiB")

// NewHTTPClient makes the client used where the caller gives none.
func NewHTTPClient() *http.Client {
	return &http.Client{Transport: NewTransport(), Timeout: Timeout}
}

// NewTransport keeps enough idle connections for the parallel calls of one token: net/http keeps two a host, and
// every call beyond them pays for a TLS handshake. Like every Go program's, it goes through the proxy the environment names.
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

// buffering reads the whole body inside the round trip, so that a connection that breaks in the middle of an answer is
// a failed attempt like any other. It has no CloseIdleConnections: one failed call must not close everybody's connections.
type buffering struct{ next http.RoundTripper }

// RoundTrip sends one attempt.
func (b buffering) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
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
