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
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// keyring returns the verifier by path value, as a Manager does.
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

func TestHandlerAnswersEachMistake(t *testing.T) {
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
			require.Empty(t, w.Body.String(), "the answer has no details")
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

func TestHandlerIgnoresUnsignedParts(t *testing.T) {
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

func TestHandlerLimitsTheBody(t *testing.T) {
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
		{"no length", strings.NewReader(body), -1, int64(len(body)), 200},
		{"no length, one more", strings.NewReader(body), -1, int64(len(body)) - 1, 413},
		{"claims more, unread", failing{}, 1 << 40, 0, 413},
		{"incomplete", io.MultiReader(strings.NewReader(body[:10]), failing{}), int64(len(body)), 0, 400},
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

func TestHandlerAnswersByTheCallback(t *testing.T) {
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
		{"calls Goexit", func(context.Context, webhook.Notification) error { runtime.Goexit(); return nil }, 503},
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

func TestHandlerSurvivesAKeyringPanic(t *testing.T) {
	t.Parallel()
	k := keyringFunc(func(*http.Request) (*webhook.Verifier, error) { panic("hunter2") })
	require.Equal(t, http.StatusServiceUnavailable, serve(webhook.NewHandler(k, nil), post(t, "x", "{}")).Code)
	require.Panics(t, func() { webhook.NewHandler(nil, nil) })
}

func TestHandlerAnswersWithinTheBudget(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	tests := []struct {
		name          string
		take, arrives time.Duration
		obeys         bool
		options       []webhook.Option
		want          int
		after         time.Duration
	}{
		{"in time", 7 * time.Second, 0, true, nil, 200, 7 * time.Second},
		{"at the last moment", 8 * time.Second, 0, true, nil, 0, 8 * time.Second},
		{"too late, obeys its context", time.Minute, 0, true, nil, 503, 8 * time.Second},
		{"too late, ignores its context", time.Minute, 0, false, nil, 503, 8 * time.Second},
		{"own budget", time.Minute, 0, false, []webhook.Option{webhook.WithBudget(time.Second)}, 503, time.Second},
		{"zero is the default", 7 * time.Second, 0, false, []webhook.Option{webhook.WithBudget(0)}, 200, 7 * time.Second},
		{"reading the body uses part of it", 7 * time.Second, 3 * time.Second, false, nil, 503, 8 * time.Second},
		{"reading the body uses all of it", 0, 9 * time.Second, false, nil, 503, 9 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				finished := false
				h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), func(ctx context.Context, _ webhook.Notification) error {
					var stop <-chan struct{}
					if test.obeys {
						stop = ctx.Done()
					}
					select {
					case <-time.After(test.take):
						finished = true
						return nil
					case <-stop:
						return ctx.Err()
					}
				}, test.options...)
				r := post(t, webhook.Sign(secretA, []byte(body)), "")
				r.Body, r.ContentLength = io.NopCloser(&slow{test.arrives, strings.NewReader(body)}), -1
				start := time.Now()
				w := serve(h, r)
				require.Equal(t, test.after, time.Since(start))
				if test.want != 0 {
					require.Equal(t, test.want, w.Code)
				}
				<-time.After(time.Minute)
				synctest.Wait()
				if !test.obeys && test.arrives < 8*time.Second {
					require.True(t, finished, "the callback finishes after the answer")
				}
			})
		})
	}
}

type slow struct {
	d time.Duration
	io.Reader
}

func (s *slow) Read(b []byte) (int, error) {
	<-time.After(s.d)
	s.d = 0
	return s.Reader.Read(b)
}

func TestCallbackContinuesIfGenesysDisconnects(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	ctx, cancel := context.WithCancel(t.Context())
	h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), func(ctx context.Context, _ webhook.Notification) error {
		cancel()
		_, ok := ctx.Deadline()
		require.True(t, ok)
		return ctx.Err()
	})
	r := post(t, webhook.Sign(secretA, []byte(body)), body).WithContext(ctx)
	require.Equal(t, http.StatusOK, serve(h, r).Code)
}

func TestPanicAfterTheBudgetIsLogged(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), func(context.Context, webhook.Notification) error {
			<-time.After(time.Minute)
			panic("hunter2")
		}, webhook.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		require.Equal(t, http.StatusServiceUnavailable, serve(h, post(t, webhook.Sign(secretA, []byte(body)), body)).Code)
		<-time.After(time.Hour)
		synctest.Wait()
		require.Contains(t, log.String(), "panic")
		require.NotContains(t, log.String(), "hunter2")
	})
}

// rotating is a Keyring with a newer verifier for Refresh.
type rotating struct {
	stale, fresh *webhook.Verifier
	err          error
	refreshes    int
}

func (k *rotating) Verifier(*http.Request) (*webhook.Verifier, error) { return k.stale, nil }

func (k *rotating) Refresh(r *http.Request) (*webhook.Verifier, error) {
	k.refreshes++
	if r.ContentLength != 0 {
		return nil, errors.New("the body is visible")
	}
	return k.fresh, k.err
}

func TestHandlerRefreshesTheKeyringOnce(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	oldKey, newKey := endpoint(integrationA, secretA), endpoint(integrationA, secretB, secretA)
	tests := []struct {
		name         string
		stale, fresh webhook.Endpoint
		err          error
		signature    string
		want, asked  int
	}{
		{"right at once", oldKey, newKey, nil, webhook.Sign(secretA, []byte(body)), 200, 0},
		{"just rotated", oldKey, newKey, nil, webhook.Sign(secretB, []byte(body)), 200, 1},
		{"integration just set", endpoint(integrationB, secretA), oldKey, nil, webhook.Sign(secretA, []byte(body)), 200, 1},
		{"forged", oldKey, newKey, nil, webhook.Sign("some other secret, long enough", []byte(body)), 401, 1},
		{"still another integration", endpoint(integrationB, secretA), endpoint(integrationB, secretA), nil, webhook.Sign(secretA, []byte(body)), 401, 1},
		{"channel is gone", oldKey, newKey, webhook.ErrNoChannel, webhook.Sign(secretB, []byte(body)), 404, 1},
		{"refresh fails", oldKey, newKey, errors.New("database is down"), webhook.Sign(secretB, []byte(body)), 503, 1},
		{"missing is not retried", oldKey, newKey, nil, "", 401, 0},
		{"hex is not retried", oldKey, newKey, nil, "sha256=" + hex.EncodeToString(make([]byte, 32)), 401, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k := &rotating{stale: newVerifier(t, test.stale), fresh: newVerifier(t, test.fresh), err: test.err}
			delivered := 0
			h := webhook.NewHandler(k, func(context.Context, webhook.Notification) error { delivered++; return nil })
			require.Equal(t, test.want, serve(h, post(t, test.signature, body)).Code)
			require.Equal(t, test.asked, k.refreshes)
			require.Equal(t, test.want == 200, delivered == 1)
		})
	}
}

// A Keyring that limits its reads returns the same verifier again.
func TestUnchangedVerifierIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, endpoint(integrationA, secretA))
	k := &rotating{stale: v, fresh: v}
	require.Equal(t, http.StatusUnauthorized, serve(webhook.NewHandler(k, nil), post(t, webhook.Sign(secretB, nil), "")).Code)
	require.Equal(t, 1, k.refreshes)
}

func TestObserverGetsEachRequest(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	other := string(text(integrationB))
	tests := []struct {
		name      string
		e         webhook.Endpoint
		secret    string
		body      string
		want      webhook.Request
		wantError error
	}{
		{"right", endpoint(integrationA, secretA), secretA, body, webhook.Request{Status: 200, IntegrationID: integrationA}, nil},
		{"retired secret", endpoint(integrationA, secretB, secretA), secretA, body, webhook.Request{Status: 200, IntegrationID: integrationA, Secret: 1}, nil},
		{"any integration", endpoint("*", secretA), secretA, other, webhook.Request{Status: 200, IntegrationID: integrationB}, nil},
		{"forged", endpoint(integrationA, secretA), secretB, body, webhook.Request{Status: 401, IntegrationID: integrationA, Secret: -1}, webhook.ErrSignature},
		{"forged at any", endpoint("*", secretA), secretB, body, webhook.Request{Status: 401, Secret: -1}, webhook.ErrSignature},
		{"another integration", endpoint(integrationA, secretA), secretA, other, webhook.Request{Status: 401, IntegrationID: integrationA}, webhook.ErrIntegration},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got webhook.Request
				h := webhook.NewHandler(newVerifier(t, test.e), func(context.Context, webhook.Notification) error {
					<-time.After(time.Second)
					return nil
				}, webhook.WithObserver(func(q webhook.Request) { got = q }))
				serve(h, post(t, webhook.Sign(test.secret, []byte(test.body)), test.body))
				require.ErrorIs(t, got.Err, test.wantError)
				if test.want.Status == 200 {
					test.want.Duration = time.Second
				}
				got.Err, test.want.Channel = nil, "tenant"
				require.Equal(t, test.want, got)
			})
		})
	}
}

func TestLogHoldsNoSecretOrContent(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	weak := "hunter2hunter2hunter2"
	h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretB, weak)), nil, webhook.WithLogger(logger))
	body := text(integrationA)
	for range 3 {
		serve(h, post(t, webhook.Sign(weak, body), string(body)))
	}
	require.Equal(t, 3, strings.Count(log.String(), "webhook: accepted"))
	require.Equal(t, 1, strings.Count(log.String(), "secret 1 has 21 characters"))
	require.Equal(t, 1, strings.Count(log.String(), "the rotation is not finished"))
	require.Equal(t, 3, strings.Count(log.String(), "level=DEBUG"))

	serve(h, post(t, "sha256="+hex.EncodeToString(make([]byte, 32)), string(body)))
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "it is hex, but Genesys sends base64")

	serve(h, post(t, webhook.Sign(secretB, []byte(`{"customer-1":`)), `{"customer-1":`))
	require.Contains(t, log.String(), "unreadable body")
	for _, word := range []string{"hunter2", secretB, "customer-1", "Hello", strings.TrimPrefix(webhook.Sign(weak, body), "sha256=")} {
		require.NotContains(t, log.String(), word)
	}
}

func TestNothingIsLoggedByDefault(t *testing.T) {
	t.Parallel()
	h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), nil, webhook.WithLogger(nil), webhook.WithObserver(nil))
	require.Equal(t, http.StatusUnauthorized, serve(h, post(t, "", "")).Code)
}
