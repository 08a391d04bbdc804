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
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// A Policy bounds the retries of a request. The zero value sends once.
type Policy struct {
	Max int // retries after the first attempt
	// Bounds of the jittered backoff; a longer Retry-After is not waited for.
	MinWait, MaxWait time.Duration
}

// A Client sends requests. It is immutable and safe for concurrent use.
type Client struct {
	http   *http.Client
	policy Policy
}

// New returns a Client that uses the transport, cookie jar and timeout of base. The transport must
// be set. The Client follows no redirects: it returns them like other answers, so that a token
// never reaches another host.
func New(base *http.Client, p Policy) *Client {
	hc := *base
	hc.Transport = buffering{base.Transport}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{http: &hc, policy: p}
}

// A Request is what Do sends. The body is kept in memory, so that a retry sends the same bytes.
type Request struct {
	Method     string
	URL        *url.URL
	Header     http.Header
	Body       []byte
	Idempotent bool // a repeat is harmless with any method

	// OnRetry is called before each wait. Its status is 0 if no answer arrived.
	OnRetry func(attempt, status int, wait time.Duration)

	// Now is the clock of Response.Sent and Response.Received. Nil means time.Now.
	Now func() time.Time
}

// A Response is a whole answer with its body: at most MaxBody bytes, and at most MaxErrorBody if it
// is not a 2xx.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte
	Attempts int

	// Ambiguous reports whether an attempt before the last may have been performed.
	Ambiguous bool

	// Sent and Received are the times when the last attempt began and when the head of its answer
	// arrived.
	Sent, Received time.Time
}

// A SendError reports that no answer arrived. Its text contains no URL.
type SendError struct {
	Err      error
	Attempts int
	Sent     bool // an attempt may have reached the server
}

// Error returns the text of the cause.
func (e *SendError) Error() string { return e.Err.Error() }

// Unwrap returns the cause. errors.Is(err, context.Canceled) is true if the caller canceled the
// context.
func (e *SendError) Unwrap() error { return e.Err }

// Do sends r until the policy takes an answer as final. Every answer is a Response, a 500 too. The
// error is a *SendError.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if ctx.Err() != nil {
		return nil, &SendError{Err: Ended(ctx)}
	}
	run := &run{policy: c.policy, req: r}
	if run.req.Now == nil {
		run.req.Now = time.Now
	}
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
	// The body is in memory, see buffering; http.Client may have wrapped it.
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, &SendError{Err: causeOf(ctx, err), Attempts: run.attempts, Sent: true}
	}
	return &Response{
		Status: resp.StatusCode, Header: resp.Header, Body: body, Attempts: run.attempts, Ambiguous: run.earlier,
		Sent: run.sent, Received: run.received,
	}, nil
}

func bodyOf(b []byte) any {
	if b == nil {
		return nil
	}
	return bytes.NewReader(b)
}

// causeOf returns err without its URL, or why the caller's context ended.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return Ended(ctx)
	}
	return withoutURL(err)
}

// Ended returns why ctx ended. errors.Is finds context.Canceled or DeadlineExceeded in it for every
// cause.
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

// Path escapes and joins segments. A segment that could lead to another endpoint is an error:
// empty, ".", "..", or one that contains a slash, a backslash or a control character, also after
// percent-decoding. Ids can come from webhooks, and some proxies decode paths. The error does not
// repeat the segment.
func Path(segments ...string) (string, error) {
	if len(segments) == 0 {
		return "", errors.New("the path is empty")
	}
	var b strings.Builder
	for i, s := range segments {
		if why := badSegment(s); why != "" {
			return "", fmt.Errorf("path segment %d %s", i+1, why)
		}
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String(), nil
}

func badSegment(s string) string {
	if s == "" {
		return "is empty"
	}
	if len(s) > 1024 {
		return "is over 1024 bytes"
	}
	for range 4 {
		if s == "." || s == ".." {
			return `is "." or ".."`
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r == '/' || r == '\\' || r < ' ' || r == 0x7f }) {
			return "contains a slash, a backslash or a control character"
		}
		decoded, err := url.PathUnescape(s)
		if err != nil || decoded == s {
			return ""
		}
		s = decoded
	}
	return "is percent-encoded too many times"
}
