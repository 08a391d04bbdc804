package genesys_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

// wire is an http.RoundTripper in memory: it answers token requests by itself and everything else
// through handle.
type wire struct {
	handle http.HandlerFunc
	token  http.HandlerFunc

	mu       sync.Mutex
	requests []sent
	fetched  int
}

type sent struct {
	Method, Host, Path, Query, Body, Authorization string
	Header                                         http.Header
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasSuffix(r.URL.Path, "/oauth/token") {
		w.mu.Lock()
		w.fetched++
		n := w.fetched
		w.mu.Unlock()
		if w.token != nil {
			w.token(rec, in)
		} else {
			grant(rec, "token-"+strconv.Itoa(n), 86399)
		}
	} else {
		w.mu.Lock()
		w.requests = append(w.requests, sent{
			Method: r.Method, Host: r.URL.Host, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Body: string(body),
			Authorization: r.Header.Get("Authorization"), Header: r.Header.Clone(),
		})
		w.mu.Unlock()
		w.handle(rec, in)
	}
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

func (w *wire) all() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]sent(nil), w.requests...)
}

func (w *wire) paths() []string {
	var out []string
	for _, r := range w.all() {
		out = append(out, r.Method+" "+r.Path)
	}
	return out
}

func (w *wire) tokens() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fetched
}

// client makes a client over w that sends once, unless an option says otherwise.
func (w *wire) client(tb testing.TB, opts ...genesys.Option) *genesys.Client {
	tb.Helper()
	all := []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: w}), genesys.WithRetry(genesys.RetryPolicy{})}
	c, err := genesys.New(region.EUWest1, genesys.ClientCredentials("client-id", "client-secret"), append(all, opts...)...)
	require.NoError(tb, err)
	return c
}

func grant(w http.ResponseWriter, token string, seconds int) {
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "bearer", "expires_in": seconds})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	text, ok := body.(string)
	if !ok {
		raw, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		text = string(raw)
	}
	_, _ = io.WriteString(w, text)
}

// script answers the n-th request with the n-th status, the last one again and again.
func script(bodies map[int]string, statuses ...int) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		status := statuses[min(n, len(statuses)-1)]
		n++
		mu.Unlock()
		body := bodies[status]
		if body == "" {
			body = "{}"
		}
		answer(w, status, body)
	}
}

func values(tb testing.TB, raw string) url.Values {
	tb.Helper()
	v, err := url.ParseQuery(raw)
	require.NoError(tb, err)
	return v
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func newClientWithToken(tb testing.TB, rt http.RoundTripper, opts ...genesys.Option) *genesys.Client {
	tb.Helper()
	all := append([]genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: rt}), genesys.WithRetry(genesys.RetryPolicy{})}, opts...)
	c, err := genesys.New(region.EUWest1, genesys.TokenSource(tokenOf("t")), all...)
	require.NoError(tb, err)
	return c
}
