package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
)

// An Exchange is one request and its answer, bodies read.
type Exchange struct {
	Request      *http.Request
	RequestBody  []byte
	Status       int
	Header       http.Header
	ResponseBody []byte
}

// A Recorder is an http.RoundTripper that keeps every exchange that passes through it. An exchange
// that ends in a transport error has no answer to check and is not kept, nor is one that becomes a
// socket. Safe for concurrent use.
type Recorder struct {
	base      http.RoundTripper
	mu        sync.Mutex
	exchanges []Exchange
}

// NewRecorder records the answers of base.
func NewRecorder(base http.RoundTripper) *Recorder { return &Recorder{base: base} }

// RoundTrip sends the request and keeps a copy of both bodies.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := drain(req.Body)
	if err != nil {
		return nil, fmt.Errorf("contract: read the request: %w", err)
	}
	out := req.Clone(req.Context())
	if req.Body != nil {
		out.Body = io.NopCloser(bytes.NewReader(sent))
	}
	res, err := r.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res, nil // a socket: no part of the definition, and without an end
	}
	got, err := drain(res.Body)
	if err != nil {
		return nil, fmt.Errorf("contract: read the answer: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(got))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, Exchange{
		Request: out, RequestBody: sent, Status: res.StatusCode, Header: res.Header.Clone(), ResponseBody: got,
	})
	return res, nil
}

// Exchanges returns the exchanges recorded so far, in the order of the answers.
func (r *Recorder) Exchanges() []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.exchanges)
}

func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	content, err := io.ReadAll(body)
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	return content, err
}
