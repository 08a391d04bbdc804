package httpx_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}
}

func address(tb testing.TB) *url.URL {
	tb.Helper()
	u, err := url.Parse("https://api.test/x?secret=1")
	require.NoError(tb, err)
	return u
}

// closer counts what retryablehttp would do to the caller's connections.
type closer struct {
	roundTrip

	closed int
}

func (c *closer) CloseIdleConnections() { c.closed++ }

func TestFailuresDoNotCloseIdleConnections(t *testing.T) {
	t.Parallel()
	rt := &closer{roundTrip: func(*http.Request) (*http.Response, error) { return nil, errors.New("down") }}
	_, err := httpx.New(&http.Client{Transport: rt}, httpx.Policy{}).Do(t.Context(), httpx.Request{Method: http.MethodGet, URL: address(t)})
	require.EqualError(t, err, "down", "no URL in the text")
	require.Zero(t, rt.closed)
}

func TestBodyIsSentAgainWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		var waits []time.Duration
		c := httpx.New(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(b))
			return reply(503, strings.NewReader("busy")), nil
		})}, httpx.Policy{Max: 5, MinWait: time.Second, MaxWait: 4 * time.Second})
		start := time.Now()
		r, err := c.Do(t.Context(), httpx.Request{
			Method: http.MethodPost, URL: address(t), Body: []byte("same"), Idempotent: true,
			OnRetry: func(_, status int, wait time.Duration) {
				require.Equal(t, 503, status)
				waits = append(waits, wait)
			},
		})
		require.NoError(t, err)
		require.Equal(t, "busy", string(r.Body), "the last answer is kept")
		require.True(t, r.Ambiguous)
		require.Equal(t, 6, r.Attempts)
		require.Equal(t, []string{"same", "same", "same", "same", "same", "same"}, bodies)
		var total time.Duration
		for i, w := range waits {
			require.LessOrEqual(t, w, min(time.Second<<i, 4*time.Second))
			total += w
		}
		require.Equal(t, total, time.Since(start))
	})
}

// A connection that breaks in the middle of an answer is an attempt that failed.
func TestBrokenAnswerIsRepeated(t *testing.T) {
	t.Parallel()
	n := 0
	c := httpx.New(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		if n++; n == 1 {
			return reply(200, io.MultiReader(strings.NewReader("ha"), errReader{})), nil
		}
		return reply(200, strings.NewReader("whole")), nil
	})}, httpx.Policy{Max: 1})
	r, err := c.Do(t.Context(), httpx.Request{Method: http.MethodGet, URL: address(t)})
	require.NoError(t, err)
	require.Equal(t, "whole", string(r.Body))
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(bytes.TrimLeft(p, "")), nil }

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{200: httpx.ErrTooLarge, 500: nil} {
		n := 0
		c := httpx.New(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			n++
			return reply(status, endless{}), nil
		})}, httpx.Policy{Max: 1})
		r, err := c.Do(t.Context(), httpx.Request{Method: http.MethodPost, URL: address(t)})
		require.Equal(t, 1, n)
		if want != nil {
			require.ErrorIs(t, err, want)
			continue
		}
		require.NoError(t, err)
		require.Len(t, r.Body, httpx.MaxErrorBody)
	}
}

func TestEndedContext(t *testing.T) {
	t.Parallel()
	c := httpx.New(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}, httpx.Policy{Max: 3})
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := c.Do(ctx, httpx.Request{Method: http.MethodGet, URL: address(t)})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, cause)
	e, ok := errors.AsType[*httpx.SendError](err)
	require.True(t, ok)
	require.False(t, e.Sent)
	require.Zero(t, e.Attempts)
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		value, reset string
		status       int
		want         time.Duration
	}{
		"seconds":             {"14", "", 429, 14 * time.Second},
		"space":               {" 14 ", "", 503, 14 * time.Second},
		"a fraction":          {"0.5", "", 429, 500 * time.Millisecond},
		"a date":              {"Sun, 22 Nov 2026 10:00:30 GMT", "", 429, 30 * time.Second},
		"a date gone by":      {"Sun, 22 Nov 2026 09:00:00 GMT", "", 429, 0},
		"nothing":             {"", "", 429, 0},
		"the reset header":    {"", "17", 429, 17 * time.Second},
		"not for others":      {"", "17", 503, 0},
		"nonsense, but reset": {"soon", "17", 429, 17 * time.Second},
		"negative":            {"-1", "", 429, 0},
		"not a number":        {"NaN", "", 429, 0},
		"absurd":              {"1e300", "", 429, 30 * 24 * time.Hour},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			h.Set("Retry-After", tt.value)
			h.Set("Inin-Ratelimit-Reset", tt.reset)
			require.Equal(t, tt.want, httpx.RetryAfter(h, tt.status, now))
		})
	}
}

// A date is compared with the server's own clock, so that a wrong clock here does not matter.
func TestRetryAfterByTheServersClock(t *testing.T) {
	t.Parallel()
	h := http.Header{"Retry-After": {"Sun, 22 Nov 2026 10:00:30 GMT"}, "Date": {"Sun, 22 Nov 2026 10:00:10 GMT"}}
	require.Equal(t, 20*time.Second, httpx.RetryAfter(h, 429, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)))
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"14", "", "Sun, 22 Nov 2026 10:00:30 GMT", "-1", "1e999", "0x10", "Inf", "99999999999999999999"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, value, reset string) {
		h := http.Header{"Retry-After": {value}, "Inin-Ratelimit-Reset": {reset}}
		d := httpx.RetryAfter(h, 429, time.Unix(0, 0))
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, 30*24*time.Hour)
		require.GreaterOrEqual(t, httpx.Int(h, "Retry-After"), 0)
	})
}

// No sequence of bytes reaches another endpoint.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"id", "..", "%2e%2e", "a/b", "%252e%252e%252f", "", "ä", "\x00", "a%", "%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, segment string) {
		p, err := httpx.Path("conversations", segment, "end")
		if err != nil {
			require.NotContains(t, err.Error(), "\x00")
			return
		}
		u, err := url.Parse("https://api.test" + p)
		require.NoError(t, err)
		require.Equal(t, 3, strings.Count(u.EscapedPath(), "/"))
		require.Equal(t, u.EscapedPath(), u.JoinPath().EscapedPath(), "cleaning changes nothing")
		require.Equal(t, "/conversations/"+segment+"/end", u.Path)
	})
}

func TestTransportKeepsConnections(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, httpx.NewTransport().MaxIdleConnsPerHost, 64)
	require.Equal(t, httpx.Timeout, httpx.NewHTTPClient().Timeout)
}

// A POST is repeated where it certainly never left, and a certificate that is wrong stays wrong.
func TestRepeatByFailure(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Err: errors.New("refused")}
	tests := map[string]struct {
		err       error
		post, get int // attempts
		sent      bool
	}{
		"dial":           {dial, 3, 3, false},
		"lookup":         {&net.DNSError{Err: "no such host"}, 3, 3, false},
		"reset":          {&net.OpError{Op: "read", Err: errors.New("reset")}, 1, 3, true},
		"certificate":    {&tls.CertificateVerificationError{Err: errors.New("expired")}, 1, 1, false},
		"authority":      {x509.UnknownAuthorityError{}, 1, 1, false},
		"name":           {x509.HostnameError{Certificate: &x509.Certificate{}, Host: "api.test"}, 1, 1, false},
		"not TLS at all": {tls.RecordHeaderError{Msg: "http"}, 1, 1, false},
		"unknown":        {io.ErrUnexpectedEOF, 1, 3, true},
	}
	for name, tt := range tests {
		for method, want := range map[string]int{http.MethodPost: tt.post, http.MethodGet: tt.get} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				n := 0
				c := httpx.New(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					n++
					return nil, tt.err
				})}, httpx.Policy{Max: 2})
				_, err := c.Do(t.Context(), httpx.Request{Method: method, URL: address(t)})
				e, ok := errors.AsType[*httpx.SendError](err)
				require.True(t, ok)
				require.Equal(t, []int{want, want}, []int{n, e.Attempts})
				require.Equal(t, tt.sent, e.Sent)
				require.NotContains(t, err.Error(), "secret=1")
			})
		}
	}
}

// A first attempt that may have arrived is remembered when the last one could not even connect.
func TestSentIsRemembered(t *testing.T) {
	t.Parallel()
	n := 0
	c := httpx.New(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		if n++; n == 1 {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	})}, httpx.Policy{Max: 1})
	_, err := c.Do(t.Context(), httpx.Request{Method: http.MethodDelete, URL: address(t)})
	e, ok := errors.AsType[*httpx.SendError](err)
	require.True(t, ok)
	require.True(t, e.Sent)
}

func TestHeaderNumbers(t *testing.T) {
	t.Parallel()
	h := http.Header{"A": {" 41 "}, "B": {"-1"}, "C": {"x"}, "D": {"17"}}
	require.Equal(t, []int{41, 0, 0, 0}, []int{httpx.Int(h, "A"), httpx.Int(h, "B"), httpx.Int(h, "C"), httpx.Int(h, "None")})
	require.Equal(t, 17*time.Second, httpx.Seconds(h, "D"))
	require.Zero(t, httpx.Seconds(h, "C"))
}
