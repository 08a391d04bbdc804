package genesys_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

func policy() genesys.Option {
	return genesys.WithRetry(genesys.RetryPolicy{Max: 3, MinWait: time.Second, MaxWait: 20 * time.Second})
}

// What is repeated, by method and status.
func TestRetryByMethod(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request  genesys.Request
		statuses []int
		want     int // requests
		err      error
	}{
		"GET 503, then fine":       {genesys.Request{}, []int{503, 502, 200}, 3, nil},
		"GET 500 for ever":         {genesys.Request{}, []int{500}, 4, genesys.ErrUnavailable},
		"GET 501":                  {genesys.Request{}, []int{501}, 1, genesys.ErrUnavailable},
		"GET 404":                  {genesys.Request{}, []int{404}, 1, genesys.ErrNotFound},
		"PUT 504":                  {genesys.Request{Method: http.MethodPut}, []int{504, 200}, 2, nil},
		"DELETE 502":               {genesys.Request{Method: http.MethodDelete}, []int{502, 200}, 2, nil},
		"POST 503":                 {genesys.Request{Method: http.MethodPost}, []int{503, 200}, 1, genesys.ErrUnavailable},
		"PATCH 503":                {genesys.Request{Method: http.MethodPatch}, []int{503, 200}, 1, genesys.ErrUnavailable},
		"POST 503, idempotent":     {genesys.Request{Method: http.MethodPost, Idempotent: true}, []int{503, 200}, 2, nil},
		"POST 429":                 {genesys.Request{Method: http.MethodPost}, []int{429, 200}, 2, nil},
		"POST 429 and then 503":    {genesys.Request{Method: http.MethodPost}, []int{429, 503, 200}, 2, genesys.ErrUnavailable},
		"POST 429 for ever":        {genesys.Request{Method: http.MethodPost}, []int{429}, 4, genesys.ErrRateLimited},
		"a redirect is an answer":  {genesys.Request{}, []int{302}, 1, nil},
		"POST 400":                 {genesys.Request{Method: http.MethodPost}, []int{400}, 1, nil},
		"PATCH 500 but idempotent": {genesys.Request{Method: http.MethodPatch, Idempotent: true}, []int{500, 202}, 2, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &wire{handle: script(nil, tt.statuses...)}
				tt.request.Op, tt.request.Path = "test", []string{"things"}
				if tt.request.Method != "" {
					tt.request.Body = map[string]int{"n": 1}
				}
				var seen genesys.Call
				c := w.client(t, policy(), genesys.WithObserver(func(_ context.Context, call genesys.Call) { seen = call }))
				err := c.Do(t.Context(), tt.request, nil)
				last := tt.statuses[min(tt.want, len(tt.statuses))-1]
				if last/100 == 2 {
					require.NoError(t, err)
				} else {
					e, ok := errors.AsType[*genesys.Error](err)
					require.True(t, ok)
					require.Equal(t, last, e.StatusCode)
				}
				if tt.err != nil {
					require.ErrorIs(t, err, tt.err)
				}
				require.Len(t, w.all(), tt.want)
				require.Equal(t, tt.want, seen.Attempts)
				require.Equal(t, last, seen.Status)
				for _, r := range w.all() {
					require.Equal(t, w.all()[0].Body, r.Body)
				}
			})
		})
	}
}

func limited429(after string) http.HandlerFunc {
	fine := false
	return func(w http.ResponseWriter, _ *http.Request) {
		if fine {
			answer(w, http.StatusOK, "{}")
			return
		}
		fine = true
		w.Header().Set("Retry-After", after)
		answer(w, http.StatusTooManyRequests, `{"code":"too.many.requests"}`)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after    string
		deadline time.Duration
		wait     time.Duration // at least
		limited  time.Duration // RetryAfter of the error; zero: no error
	}{
		"honoured":                        {"14", 0, 14 * time.Second, 0},
		"over the cap comes back at once": {"21", 0, 0, 21 * time.Second},
		"a day comes back at once":        {"86400", 0, 0, 24 * time.Hour},
		"fits the deadline":               {"5", 10 * time.Second, 5 * time.Second, 0},
		"past the deadline":               {"5", 4 * time.Second, 0, 5 * time.Second},
		// Bubbles begin in 2000.
		"a date": {"Sat, 01 Jan 2000 00:00:10 GMT", 0, 9 * time.Second, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &wire{handle: limited429(tt.after)}
				c := w.client(t, policy())
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				err := c.Do(ctx, genesys.Request{Op: "test", Method: http.MethodPost, Path: []string{"things"}, Body: 1}, nil)
				if tt.limited == 0 {
					require.NoError(t, err)
					require.GreaterOrEqual(t, time.Since(start), tt.wait)
					require.Less(t, time.Since(start), tt.wait+2*time.Second)
					return
				}
				require.Zero(t, time.Since(start))
				e, ok := errors.AsType[*genesys.Error](err)
				require.True(t, ok)
				require.ErrorIs(t, err, genesys.ErrRateLimited)
				require.Equal(t, tt.limited, e.RetryAfter)
				require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
			})
		})
	}
}

// The wait may be only in the sentence of a 429.
func TestRetryAfterInTheText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"Rate limit exceeded the maximum. Retry the request in [12] seconds":         12 * time.Second,
		"Rate limit exceeded the maximum. Retry the request in 3 seconds":            3 * time.Second,
		"Rate limit exceeded the maximum. Retry the request in [-3] seconds":         0,
		"Rate limit exceeded the maximum. Retry the request in [NaN] seconds":        0,
		"Rate limit exceeded the maximum. Retry the request in [1000000000] seconds": 0,
		"Slow down": 0,
	} {
		w := &wire{handle: func(rw http.ResponseWriter, _ *http.Request) {
			answer(rw, http.StatusTooManyRequests, map[string]string{"message": text})
		}}
		e, ok := errors.AsType[*genesys.Error](read(t.Context(), w.client(t)))
		require.True(t, ok)
		require.Equal(t, want, e.RetryAfter, text)
	}
}

// Two clients with different retries share the token and the observers.
func TestClientWithRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{handle: script(nil, 503, 503, 200)}
		calls := 0
		patient := w.client(t, policy(), genesys.WithObserver(func(context.Context, genesys.Call) { calls++ }))
		once, err := patient.WithRetry(genesys.RetryPolicy{})
		require.NoError(t, err)
		require.ErrorIs(t, read(t.Context(), once), genesys.ErrUnavailable)
		require.Len(t, w.all(), 1)
		require.NoError(t, read(t.Context(), patient))
		require.Len(t, w.all(), 3)
		require.Equal(t, 1, w.tokens())
		require.Equal(t, 3, calls, "one token and two reads")
		_, err = patient.WithRetry(genesys.RetryPolicy{Max: -1})
		require.ErrorContains(t, err, "must be 0 to 10")
	})
}

// The client that needs the token first decides how patiently it is fetched.
func TestTokenIsFetchedWithTheClientsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{handle: empty, token: script(map[int]string{200: `{"access_token":"t","token_type":"bearer","expires_in":3600}`}, 503, 503, 200)}
		patient := w.client(t, policy())
		once, err := patient.WithRetry(genesys.RetryPolicy{})
		require.NoError(t, err)
		require.ErrorIs(t, read(t.Context(), once), genesys.ErrUnavailable)
		require.Equal(t, 1, w.tokens())
		require.NoError(t, read(t.Context(), patient))
		require.Equal(t, 3, w.tokens())
	})
}

func TestNoRetryPolicySendsOnce(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"429": 429, "503": 503} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{handle: script(nil, status)}
			require.Error(t, read(t.Context(), w.client(t)))
			require.Len(t, w.all(), 1)
		})
	}
}

func TestCancelDuringWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{handle: script(nil, 429)}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		c := w.client(t, genesys.WithRetry(genesys.RetryPolicy{Max: 9, MinWait: time.Hour, MaxWait: 100 * time.Hour}))
		err := c.Do(ctx, genesys.Request{Op: "test", Method: http.MethodPost, Path: []string{"things"}}, nil)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, genesys.EffectNone, genesys.EffectOf(err), "all that was answered was a 429")
		require.NotErrorIs(t, err, genesys.ErrUnavailable)
	})
}

// Each way to fail, and what EffectOf makes of it.
func TestEffectOf(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	fails := func(err error) http.RoundTripper {
		return roundTrip(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	says := func(status int, body string) http.RoundTripper {
		return roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})
	}
	cut := roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), broken{}))}, nil
	})
	tests := map[string]struct {
		rt   http.RoundTripper
		want genesys.Effect
		is   error
	}{
		"dial":              {fails(dial), genesys.EffectNone, genesys.ErrUnavailable},
		"lookup":            {fails(&net.DNSError{Err: "no such host", Name: "api"}), genesys.EffectNone, genesys.ErrUnavailable},
		"reset":             {fails(reset), genesys.EffectUnknown, genesys.ErrUnavailable},
		"eof":               {fails(io.ErrUnexpectedEOF), genesys.EffectUnknown, io.ErrUnexpectedEOF},
		"500":               {says(500, "{}"), genesys.EffectUnknown, genesys.ErrUnavailable},
		"503":               {says(503, ""), genesys.EffectUnknown, genesys.ErrUnavailable},
		"408":               {says(408, ""), genesys.EffectUnknown, nil},
		"400":               {says(400, "{}"), genesys.EffectRefused, nil},
		"403":               {says(403, "{}"), genesys.EffectRefused, genesys.ErrForbidden},
		"404":               {says(404, "{}"), genesys.EffectRefused, genesys.ErrNotFound},
		"429":               {says(429, "{}"), genesys.EffectNone, genesys.ErrRateLimited},
		"redirect":          {says(307, ""), genesys.EffectRefused, nil},
		"2xx that is HTML":  {says(200, "<html>"), genesys.EffectUnknown, nil},
		"2xx of wrong type": {says(200, `{"id":7}`), genesys.EffectUnknown, nil},
		"2xx cut short":     {cut, genesys.EffectUnknown, genesys.ErrUnavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			rt := roundTrip(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/oauth/token") {
					return w.RoundTrip(r)
				}
				return tt.rt.RoundTrip(r)
			})
			c := w.client(t, genesys.WithHTTPClient(&http.Client{Transport: rt}))
			_, err := c.OpenMessaging.Send(t.Context(), genesys.SendRequest{IntegrationID: integration, Message: hello()})
			require.Error(t, err)
			require.Equal(t, tt.want, genesys.EffectOf(err), "%v", err)
			require.Equal(t, tt.want, genesys.EffectOf(errors.Join(errors.New("handover: session"), err)))
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			require.NotContains(t, err.Error(), integration)
			require.NotContains(t, err.Error(), "I need a person")
		})
	}
	require.Empty(t, genesys.EffectOf(nil))
	require.Equal(t, genesys.EffectUnknown, genesys.EffectOf(errors.New("somebody else's")))
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestEffectOfWhatNeverLeft(t *testing.T) {
	t.Parallel()
	w := &wire{handle: empty}
	c := w.client(t)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	message := hello()
	message.Text = ""
	tests := map[string]func() error{
		"validation": func() error {
			_, err := c.OpenMessaging.Send(t.Context(), genesys.SendRequest{IntegrationID: integration, Message: message})
			return err
		},
		"bad path": func() error {
			_, err := c.OpenMessaging.Send(t.Context(), genesys.SendRequest{IntegrationID: "..", Message: hello()})
			return err
		},
		"canceled before": func() error {
			_, err := c.OpenMessaging.Send(canceled, genesys.SendRequest{IntegrationID: integration, Message: hello()})
			return err
		},
		"too large": func() error {
			return c.Do(t.Context(), genesys.Request{Op: "test", Method: http.MethodPost, Path: []string{"x"}, Body: strings.Repeat("x", 512_000)}, nil)
		},
		"not JSON": func() error {
			return c.Do(t.Context(), genesys.Request{Op: "test", Method: http.MethodPost, Path: []string{"x"}, Body: func() {}}, nil)
		},
	}
	for name, call := range tests {
		err := call()
		require.Error(t, err, name)
		require.Equal(t, genesys.EffectNone, genesys.EffectOf(err), name)
	}
	require.Empty(t, w.all())
}

// An attempt that may have had its effect is not forgotten over the refusal of its repeat.
func TestEffectOfEarlierAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{handle: script(nil, 503, 404)}
		c := w.client(t, policy())
		err := c.Do(t.Context(), genesys.Request{Op: "test", Method: http.MethodDelete, Path: []string{"things", "1"}}, nil)
		require.ErrorIs(t, err, genesys.ErrNotFound)
		require.Equal(t, genesys.EffectUnknown, genesys.EffectOf(err))
	})
}

// The real transport knows what was written: after a deadline during connecting, the request was
// certainly not performed; after a later one that is uncertain.
func TestEffectOfRealTransport(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		dial func(context.Context) (net.Conn, error)
		want genesys.Effect
	}{
		"never connected": {func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }, genesys.EffectNone},
		"never answered": {func(context.Context) (net.Conn, error) {
			here, there := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, there) }()
			return here, nil
		}, genesys.EffectUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return tt.dial(ctx) }}
				defer transport.CloseIdleConnections()
				c, err := genesys.New(region.EUWest1, genesys.TokenSource(tokenOf("t")), genesys.WithHTTPClient(&http.Client{Transport: transport}),
					genesys.WithEndpoints("http://api.test", "http://login.test"))
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err = c.OpenMessaging.Send(ctx, genesys.SendRequest{IntegrationID: integration, Message: hello()})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, tt.want, genesys.EffectOf(err))
			})
		})
	}
}
