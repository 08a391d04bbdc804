package httpx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// A Policy says how often and how patiently a request is repeated. The zero value sends once.
type Policy struct {
	Max              int           // repeats after the first attempt
	MinWait, MaxWait time.Duration // bounds of the jittered backoff; MaxWait also caps Retry-After
}

// A Client sends requests. It is immutable and safe for concurrent use.
type Client struct {
	http   *http.Client
	policy Policy
}

// New makes a Client that sends through base's transport, which must be set, with base's cookie jar and timeout. It follows no redirect:
// a redirect is an answer like any other, so that a token never reaches a host it was not meant for.
func New(base *http.Client, p Policy) *Client {
	hc := *base
	hc.Transport = buffering{base.Transport}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{http: &hc, policy: p}
}

// A Request is what Do sends. Body is kept in memory, so that a repeat sends the same bytes.
type Request struct {
	Method     string
	URL        *url.URL
	Header     http.Header
	Body       []byte
	Idempotent bool // a repeat is harmless, whatever the method

	// OnRetry is told before each wait; status is 0 where no answer came.
	OnRetry func(attempt, status int, wait time.Duration)
}

// A Response is a whole answer, body included: at most MaxBody bytes, MaxErrorBody of them if it is not a 2xx.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte
	Attempts int

	// Ambiguous: an attempt before the last may have had its effect.
	Ambiguous bool
}

// A SendError says that no answer came. Its text holds no URL.
type SendError struct {
	Err      error
	Attempts int
	Sent     bool // some attempt may have reached the server
}

// Error is the cause's text.
func (e *SendError) Error() string { return e.Err.Error() }

// Unwrap is the cause: errors.Is(err, context.Canceled) holds where the caller's context ended.
func (e *SendError) Unwrap() error { return e.Err }

// Do sends r until an answer comes that is final by the policy. Any answer is a Response, a 500 too; the error is a *SendError.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if ctx.Err() != nil {
		return nil, &SendError{Err: Ended(ctx)}
	}
	run := &run{policy: c.policy, req: r}
	hr, err := retryablehttp.NewRequestWithContext(run.trace(ctx), r.Method, r.URL.String(), bodyOf(r.Body))
	if err != nil {
		return nil, &SendError{Err: withoutURL(err)}
	}
	maps.Copy(hr.Header, r.Header)
	resp, err := run.client(c.http).Do(hr)
	if err != nil {
		err = causeOf(ctx, err)
		return nil, &SendError{Err: err, Attempts: run.attempts, Sent: run.ambiguous}
	}
	// From memory, see buffering; http.Client may have wrapped it.
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, &SendError{Err: causeOf(ctx, err), Attempts: run.attempts, Sent: true}
	}
	return &Response{
		Status: resp.StatusCode, Header: resp.Header, Body: body, Attempts: run.attempts, Ambiguous: run.earlier,
	}, nil
}

func bodyOf(b []byte) any {
	if b == nil {
		return nil
	}
	return bytes.NewReader(b)
}

// causeOf removes the URL, and lets the caller's own context speak where it ended.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return Ended(ctx)
	}
	return withoutURL(err)
}

// Ended is why ctx ended: its cause, through which errors.Is still finds context.Canceled or DeadlineExceeded.
func Ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}

func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
