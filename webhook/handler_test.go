package webhook_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// keyring answers by path value, as a Manager does.
type keyring map[string]*webhook.Verifier

func (k keyring) Verifier(r *http.Request) (*webhook.Verifier, error) {
	if r.PathValue("channel") == "down" {
		return nil, errors.New("database is down")
	}
	if v, ok := k[r.PathValue("channel")]; ok {
		return v, nil
	}
	return nil, webhook.ErrNoChannel
}

func TestHandlerRefuses(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	sign := func(body string) string { return webhook.Sign(secretA, []byte(body)) }
	const dir = "/genesys/"
	tests := []struct {
		name, method, path, signature, body string
		want                                int
		err                                 error
	}{
		{"right", "POST", "a", sign(body), body, 200, nil},
		{"forged", "POST", "a", webhook.Sign("some other secret, long enough", []byte(body)), body, 401, webhook.ErrSignature},
		{"unsigned", "POST", "a", "", body, 401, webhook.ErrNoSignature},
		{"truncated", "POST", "a", sign(body), body[:100], 401, webhook.ErrSignature},
		{"hex", "POST", "a", "sha256=" + hex.EncodeToString(make([]byte, 32)), body, 401, webhook.ErrSignature},
		{"re-serialised", "POST", "a", sign(body), strings.ReplaceAll(body, `":`, `": `), 401, webhook.ErrSignature},
		{"over-sized", "POST", "a", sign(body + strings.Repeat(" ", 2000)), body + strings.Repeat(" ", 2000), 413, webhook.ErrTooLarge},
		{"empty, unsigned", "POST", "a", "", "", 401, webhook.ErrNoSignature},
		{"empty, signed", "POST", "a", sign(""), "", 400, nil},
		{"not JSON, signed", "POST", "a", sign("hello=world"), "hello=world", 400, nil},
		{"not JSON, unsigned", "POST", "a", "", "hello=world", 401, webhook.ErrNoSignature},
		{"tenant A's secret on B's ids at A", "POST", "a", sign(string(text(integrationB))), string(text(integrationB)), 401, webhook.ErrIntegration},
		{"tenant A's secret on B's ids at B", "POST", "b", sign(string(text(integrationB))), string(text(integrationB)), 401, webhook.ErrSignature},
		{"tenant A's post at B", "POST", "b", sign(body), body, 401, webhook.ErrSignature},
		{"no such channel", "POST", "c", sign(body), body, 404, webhook.ErrNoChannel},
		{"keyring fails", "POST", "down", sign(body), body, 503, nil},
		{"keyring has nil", "POST", "nil", sign(body), body, 503, nil},
		{"GET", "GET", "a", sign(body), body, 405, nil},
		{"PUT", "PUT", "a", sign(body), body, 405, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []webhook.Request
			delivered := 0
			handle := func(_ context.Context, n webhook.Notification) error {
				delivered++
				require.Equal(t, "tenant", n.Channel)
				return nil
			}
			k := keyring{
				"a": newVerifier(t, endpoint(integrationA, secretA)), "b": newVerifier(t, endpoint(integrationB, secretB)), "nil": nil,
			}
			mux := http.NewServeMux()
			mux.Handle("/genesys/{channel}", webhook.NewHandler(k, handle, nil, webhook.WithMaxBytes(2000),
				webhook.WithObserver(func(q webhook.Request) { got = append(got, q) })))
			r := post(t, test.signature, test.body)
			r.Method, r.URL.Path = test.method, dir+test.path
			w := serve(mux, r)
			require.Equal(t, test.want, w.Code)
			require.Empty(t, w.Body.String(), "no help for an attacker")
			require.Equal(t, test.want == 200, delivered == 1)
			require.Len(t, got, 1)
			require.Equal(t, test.want, got[0].Status)
			require.Equal(t, test.want == 200, got[0].Err == nil)
			if test.err != nil {
				require.ErrorIs(t, got[0].Err, test.err)
			}
			if test.want == 405 {
				require.Equal(t, "POST", w.Header().Get("Allow"))
			}
		})
	}
}

func TestHandlerIgnoresWhatIsNotSigned(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), nil)
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense; =;"} {
		r := post(t, webhook.Sign(secretA, []byte(body)), body)
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Content-Encoding", "gzip")
		require.Equal(t, http.StatusOK, serve(h, r).Code, contentType)
	}
	r := post(t, "", "")
	r.URL.RawQuery = "signature=" + webhook.Sign(secretA, nil) + "&payload=" + body
	require.Equal(t, http.StatusUnauthorized, serve(h, r).Code)
}

func TestHandlerBodies(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	signature := webhook.Sign(secretA, []byte(body))
	v := newVerifier(t, endpoint(integrationA, secretA))
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		limit  int64
		want   int
	}{
		{"exactly the limit", strings.NewReader(body), int64(len(body)), int64(len(body)), 200},
		{"one more", strings.NewReader(body), int64(len(body)), int64(len(body)) - 1, 413},
		{"length not said", strings.NewReader(body), -1, int64(len(body)), 200},
		{"length not said, one more", strings.NewReader(body), -1, int64(len(body)) - 1, 413},
		{"claims more, unread", failing{}, 1 << 40, 0, 413},
		{"breaks off", io.MultiReader(strings.NewReader(body[:10]), failing{}), int64(len(body)), 0, 400},
		{"none", nil, 0, 0, 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := webhook.NewHandler(v, nil, webhook.WithMaxBytes(test.limit))
			r := post(t, signature, "")
			r.Body, r.ContentLength = nil, test.length
			if test.body != nil {
				r.Body = io.NopCloser(test.body)
			}
			require.Equal(t, test.want, serve(h, r).Code)
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestHandlerKeyringCannotReadTheBody(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	v := newVerifier(t, endpoint(integrationA, secretA))
	k := keyringFunc(func(r *http.Request) (*webhook.Verifier, error) {
		b, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Empty(t, b)
		require.NoError(t, r.ParseForm())
		return v, nil
	})
	require.Equal(t, http.StatusOK, serve(webhook.NewHandler(k, nil), post(t, webhook.Sign(secretA, []byte(body)), body)).Code)
}

type keyringFunc func(r *http.Request) (*webhook.Verifier, error)

func (f keyringFunc) Verifier(r *http.Request) (*webhook.Verifier, error) { return f(r) }

func TestHandlerCallback(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	tests := []struct {
		name   string
		handle webhook.HandlerFunc
		want   int
	}{
		{"nil", nil, 200},
		{"done", func(context.Context, webhook.Notification) error { return nil }, 200},
		{"fails", func(context.Context, webhook.Notification) error { return errors.New("store is down") }, 503},
		{"panics", func(context.Context, webhook.Notification) error { panic("hunter2") }, 503},
		{"goes away", func(context.Context, webhook.Notification) error { runtime.Goexit(); return nil }, 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), test.handle, webhook.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			w := serve(h, post(t, webhook.Sign(secretA, []byte(body)), body))
			require.Equal(t, test.want, w.Code)
			require.NotContains(t, log.String(), "hunter2")
			require.Equal(t, test.want == 503, strings.Contains(log.String(), "status=503"))
		})
	}
}

func TestHandlerKeyringPanic(t *testing.T) {
	t.Parallel()
	k := keyringFunc(func(*http.Request) (*webhook.Verifier, error) { panic("hunter2") })
	require.Equal(t, http.StatusServiceUnavailable, serve(webhook.NewHandler(k, nil), post(t, "x", "{}")).Code)
	require.Panics(t, func() { webhook.NewHandler(nil, nil) })
}
