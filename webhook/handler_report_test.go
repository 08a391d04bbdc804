package webhook_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// rotating is a Keyring with a stale and a fresh answer.
type rotating struct {
	stale, fresh *webhook.Verifier
	err          error
	asked        int
}

func (k *rotating) Verifier(*http.Request) (*webhook.Verifier, error) { return k.stale, nil }

func (k *rotating) Refresh(r *http.Request) (*webhook.Verifier, error) {
	k.asked++
	if r.ContentLength != 0 {
		return nil, errors.New("the body is visible")
	}
	return k.fresh, k.err
}

func TestHandlerRefresh(t *testing.T) {
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
		{"cannot say", oldKey, newKey, errors.New("database is down"), webhook.Sign(secretB, []byte(body)), 503, 1},
		{"missing is not cured", oldKey, newKey, nil, "", 401, 0},
		{"hex is not cured", oldKey, newKey, nil, "sha256=" + hex.EncodeToString(make([]byte, 32)), 401, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k := &rotating{stale: newVerifier(t, test.stale), fresh: newVerifier(t, test.fresh), err: test.err}
			delivered := 0
			h := webhook.NewHandler(k, func(context.Context, webhook.Notification) error { delivered++; return nil })
			require.Equal(t, test.want, serve(h, post(t, test.signature, body)).Code)
			require.Equal(t, test.asked, k.asked)
			require.Equal(t, test.want == 200, delivered == 1)
		})
	}
}

// A Keyring that limits itself returns the verifier it has.
func TestHandlerRefreshSameVerifier(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, endpoint(integrationA, secretA))
	k := &rotating{stale: v, fresh: v}
	require.Equal(t, http.StatusUnauthorized, serve(webhook.NewHandler(k, nil), post(t, webhook.Sign(secretB, nil), "")).Code)
	require.Equal(t, 1, k.asked)
}

func TestObserver(t *testing.T) {
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

func TestLog(t *testing.T) {
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

func TestNoLogByDefault(t *testing.T) {
	t.Parallel()
	h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), nil, webhook.WithLogger(nil), webhook.WithObserver(nil))
	require.Equal(t, http.StatusUnauthorized, serve(h, post(t, "", "")).Code)
}
