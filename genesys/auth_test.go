package genesys_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

func empty(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "{}") }

func read(ctx context.Context, c *genesys.Client) error {
	_, err := c.Conversations.Get(ctx, conversation)
	return err
}

func TestTokenRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	w := &wire{handle: empty}
	w.token = func(rw http.ResponseWriter, r *http.Request) {
		got = r
		body = r.FormValue("grant_type")
		grant(rw, "one", 86399)
	}
	require.NoError(t, read(t.Context(), w.client(t)))
	id, secret, ok := got.BasicAuth()
	require.True(t, ok, "credentials belong in the header")
	require.Equal(t, []string{"client-id", "client-secret"}, []string{id, secret})
	require.Equal(t, "https://login.mypurecloud.ie/oauth/token", got.URL.String())
	require.Equal(t, "client_credentials", body)
	require.Contains(t, got.UserAgent(), "genesyshandover-go/")
	require.Equal(t, "Bearer one", w.all()[0].Authorization)
}

func TestTokenSingleFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{handle: empty}
		w.token = func(rw http.ResponseWriter, _ *http.Request) {
			<-time.After(time.Second)
			grant(rw, "shared", 86399)
		}
		c := w.client(t)
		impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		// The caller that began the fetch stops waiting: the fetch continues for the others.
		first := make(chan error, 1)
		go func() { first <- read(impatient, c) }()
		synctest.Wait()
		var wg sync.WaitGroup
		errs := make([]error, 64)
		for i := range errs {
			wg.Go(func() { errs[i] = read(t.Context(), c) })
		}
		err := <-first
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, 1, w.tokens())
		require.Len(t, w.all(), 64)
	})
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		life  int
		reads []time.Duration // when, from the start
		want  int             // tokens
	}{
		"used while it lives":          {3600, []time.Duration{0, time.Minute, 58 * time.Minute}, 1},
		"renewed a minute early":       {3600, []time.Duration{0, 59*time.Minute + time.Second}, 2},
		"expired":                      {3600, []time.Duration{0, 2 * time.Hour}, 2},
		"short-lived: a quarter early": {100, []time.Duration{0, 70 * time.Second}, 1},
		"short-lived, renewed":         {100, []time.Duration{0, 76 * time.Second}, 2},
		"no life said":                 {0, []time.Duration{0, 48 * time.Hour}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &wire{handle: empty, token: func(rw http.ResponseWriter, _ *http.Request) { grant(rw, "t", tt.life) }}
				c := w.client(t)
				start := time.Now()
				for _, when := range tt.reads {
					<-time.After(time.Until(start.Add(when)))
					require.NoError(t, read(t.Context(), c))
				}
				require.Equal(t, tt.want, w.tokens())
			})
		})
	}
}

// A login host that is down does not matter while the token is valid, and not every call tries it.
func TestTokenRenewalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{handle: empty}
		w.token = func(rw http.ResponseWriter, _ *http.Request) {
			if w.tokens() > 1 {
				answer(rw, http.StatusServiceUnavailable, "{}")
				return
			}
			grant(rw, "first", 3600)
		}
		c := w.client(t)
		require.NoError(t, read(t.Context(), c))
		<-time.After(59*time.Minute + 5*time.Second)
		for range 10 {
			require.NoError(t, read(t.Context(), c))
		}
		require.Equal(t, 2, w.tokens())
		<-time.After(56 * time.Second)
		err := read(t.Context(), c)
		require.ErrorIs(t, err, genesys.ErrUnavailable)
		require.ErrorContains(t, err, "oauth.token")
		require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
	})
}

func TestUnauthorizedDropsTokenOnce(t *testing.T) {
	t.Parallel()
	t.Run("mended by another", func(t *testing.T) {
		t.Parallel()
		w := &wire{}
		w.handle = func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer token-1" {
				answer(rw, http.StatusUnauthorized, `{"code":"credentials.expired"}`)
				return
			}
			answer(rw, http.StatusOK, `{"id":"m"}`)
		}
		c := w.client(t)
		_, err := c.OpenMessaging.Send(t.Context(), genesys.SendRequest{IntegrationID: integration, Message: hello()})
		require.NoError(t, err)
		requests := w.all()
		require.Len(t, requests, 2)
		require.Equal(t, requests[0].Body, requests[1].Body)
		require.Equal(t, "Bearer token-2", requests[1].Authorization)
	})
	t.Run("stays", func(t *testing.T) {
		t.Parallel()
		w := &wire{handle: script(map[int]string{401: `{"code":"bad.credentials","message":"no"}`}, 401)}
		err := read(t.Context(), w.client(t))
		require.ErrorIs(t, err, genesys.ErrUnauthorized)
		require.Equal(t, genesys.EffectRefused, genesys.EffectOf(err))
		require.Len(t, w.all(), 2)
		require.Equal(t, 2, w.tokens())
	})
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		w := &wire{}
		w.handle = func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer token-1" {
				answer(rw, http.StatusUnauthorized, "{}")
				return
			}
			answer(rw, http.StatusOK, "{}")
		}
		c := w.client(t)
		var wg sync.WaitGroup
		errs := make([]error, 64)
		for i := range errs {
			wg.Go(func() { errs[i] = read(t.Context(), c) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, 2, w.tokens(), "one fetch replaces the dropped token for all")
	})
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token http.HandlerFunc
		is    error
		want  []string
	}{
		"wrong secret or region": {
			load(t, "errors.token").ServeHTTP, genesys.ErrUnauthorized,
			[]string{"oauth.token: 400 invalid_client: client not found", "wrong secret and a wrong region", "eu-west-1", "login.mypurecloud.ie"},
		},
		"description alone": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, http.StatusUnauthorized, `{"error":"invalid_client","description":"authentication failed"}`)
			}, genesys.ErrUnauthorized, []string{"401 invalid_client: authentication failed"},
		},
		"rate limited": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				answer(w, http.StatusTooManyRequests, `{"message":"slow down","code":"too.many.requests"}`)
			}, genesys.ErrRateLimited, []string{"429 too.many.requests: slow down", "retry after 7s"},
		},
		"a gateway": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, http.StatusBadGateway, "<html>secret page</html>")
			},
			genesys.ErrUnavailable,
			[]string{"502 Bad Gateway"},
		},
		"not a token": {
			func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, `{"hello":"secret page"}`) },
			nil,
			[]string{"has no token"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{handle: empty, token: tt.token}
			var ops []string
			c := w.client(t, genesys.WithObserver(func(_ context.Context, call genesys.Call) { ops = append(ops, call.Op) }))
			err := read(t.Context(), c)
			require.Error(t, err)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "secret page")
			require.NotContains(t, err.Error(), "client-secret")
			require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
			require.Equal(t, []string{"oauth.token", "conversations.get"}, ops)
			require.Empty(t, w.all())
		})
	}
}

type tokenFunc func() (*oauth2.Token, error)

func (f tokenFunc) Token() (*oauth2.Token, error) { return f() }

func TestTokenSource(t *testing.T) {
	t.Parallel()
	newClient := func(t *testing.T, w *wire, ts oauth2.TokenSource) *genesys.Client {
		t.Helper()
		c, err := genesys.New(region.EUWest1, genesys.TokenSource(ts), genesys.WithHTTPClient(&http.Client{Transport: w}))
		require.NoError(t, err)
		return c
	}
	t.Run("its token is used", func(t *testing.T) {
		t.Parallel()
		w := &wire{handle: empty}
		c := newClient(t, w, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "mine"}))
		require.NoError(t, read(t.Context(), c))
		require.Equal(t, "Bearer mine", w.all()[0].Authorization)
		require.Zero(t, w.tokens())
	})
	t.Run("the same token after a 401 is not tried again", func(t *testing.T) {
		t.Parallel()
		w := &wire{handle: script(nil, 401)}
		c := newClient(t, w, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "mine"}))
		require.ErrorIs(t, read(t.Context(), c), genesys.ErrUnauthorized)
		require.Len(t, w.all(), 1)
	})
	t.Run("its error", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("the vault is sealed")
		c := newClient(t, &wire{}, tokenFunc(func() (*oauth2.Token, error) { return nil, broken }))
		err := read(t.Context(), c)
		require.ErrorIs(t, err, broken)
		require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
	})
	t.Run("no token", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, &wire{}, tokenFunc(func() (*oauth2.Token, error) { return nil, nil }))
		require.ErrorContains(t, read(t.Context(), c), "returned no token")
	})
}

func TestCredentialsDoNotShow(t *testing.T) {
	t.Parallel()
	auth := genesys.ClientCredentials("my-client", "my-secret")
	asJSON, err := json.Marshal(map[string]any{"auth": auth})
	require.NoError(t, err)
	for _, text := range []string{
		fmt.Sprint(auth), fmt.Sprintf("%v %+v %#v %s %q %x %d", auth, auth, auth, auth, auth, auth, auth),
		fmt.Sprintf("%+v", struct{ A genesys.Auth }{auth}), string(asJSON),
	} {
		require.NotContains(t, text, "my-secret")
		require.NotContains(t, text, fmt.Sprintf("%x", "my-secret"))
		require.Contains(t, text, "[redacted]")
	}
}

func tokenOf(s string) oauth2.TokenSource {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: s})
}

// An unreachable login host has another error than an unreachable API, and nothing has happened.
func TestTokenUnreachable(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	var call genesys.Call
	c, err := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"), genesys.WithRetry(genesys.RetryPolicy{Max: 2}),
		genesys.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, dial })}),
		genesys.WithObserver(func(_ context.Context, got genesys.Call) {
			if got.Op == "oauth.token" {
				call = got
			}
		}))
	require.NoError(t, err)
	err = read(t.Context(), c)
	require.EqualError(t, err, "genesys: oauth.token: not sent: dial tcp: connection refused")
	require.ErrorIs(t, err, genesys.ErrUnavailable)
	require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
	require.Equal(t, 3, call.Attempts, "to ask again for a token is harmless")
}
