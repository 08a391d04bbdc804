package genesystest_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

const queuesPath = "/api/v2/routing/queues"

func TestTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithTokenLifetime(time.Hour))
		api := dial(t, org)
		status, body := api.grant(org.Channel().ClientSecret.Reveal())
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "bearer", body["token_type"])
		require.InDelta(t, 3600, body["expires_in"], 0)

		status, body = api.grant("wrong")
		require.Equal(t, http.StatusUnauthorized, status)
		require.Equal(t, "invalid_client", body["error"])
		require.NotEmpty(t, body["error_description"])

		<-time.After(time.Hour - time.Second)
		status, _ = api.do(http.MethodGet, queuesPath, "")
		require.Equal(t, http.StatusOK, status)
		<-time.After(time.Second)
		status, body = api.do(http.MethodGet, queuesPath, "")
		require.Equal(t, http.StatusUnauthorized, status)
		require.Equal(t, "credentials.expired", body["code"])

		api.authorize()
		org.ExpireTokens()
		status, body = api.do(http.MethodGet, queuesPath, "")
		require.Equal(t, http.StatusUnauthorized, status)
		require.Equal(t, "bad.credentials", body["code"])

		old := org.Channel().ClientSecret.Reveal()
		require.NotEqual(t, old, org.RevokeClient())
		status, _ = api.grant(old)
		require.Equal(t, http.StatusUnauthorized, status)
		api.authorize()
	})
}

func TestTokenInTheForm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		api := dial(t, org)
		c := org.Channel()
		for name, tc := range map[string]struct {
			form   url.Values
			status int
			code   string
		}{
			"credentials": {url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret.Reveal()}}, 200, ""},
			"another":     {url.Values{"grant_type": {"password"}}, 400, "unsupported_grant_type"},
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api.login+"/oauth/token", strings.NewReader(tc.form.Encode()))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			status, body := api.send(req)
			require.Equal(t, tc.status, status, name)
			if tc.code != "" {
				require.Equal(t, tc.code, body["error"], name)
			}
		}
		for _, r := range org.Requests() {
			require.Empty(t, r.Body, "credentials are not kept")
			require.Equal(t, "oauth.token", r.Op)
		}
	})
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		for i := range 300 {
			status, h, _ := api.sendFull(api.request(t.Context(), http.MethodGet, queuesPath, ""))
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, strconv.Itoa(i+1), h.Get("Inin-Ratelimit-Count"))
			require.Equal(t, "300", h.Get("Inin-Ratelimit-Allowed"))
		}
		<-time.After(20*time.Second + time.Millisecond)
		status, h, body := api.sendFull(api.request(t.Context(), http.MethodGet, queuesPath, ""))
		require.Equal(t, http.StatusTooManyRequests, status)
		require.Equal(t, "too.many.requests", body["code"])
		require.Equal(t, "40", h.Get("Retry-After"))
		require.Equal(t, "40", h.Get("Inin-Ratelimit-Reset"))
		require.Equal(t, "300", h.Get("Inin-Ratelimit-Count"))

		other := dial(t, org)
		status, _ = other.do(http.MethodGet, queuesPath, "")
		require.Equal(t, http.StatusOK, status, "each token has a separate minute")

		<-time.After(40 * time.Second)
		status, _ = api.do(http.MethodGet, queuesPath, "")
		require.Equal(t, http.StatusOK, status, "Retry-After was true")

		org.SetRateLimit(0)
		_, h, _ = api.sendFull(api.request(t.Context(), http.MethodGet, queuesPath, ""))
		require.Empty(t, h.Get("Inin-Ratelimit-Count"))
	})
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithPermissions())
		api := dial(t, org)
		channel := org.Channel()
		paths := map[string]struct{ method, path, body, code, permissions string }{
			"message":     {http.MethodPost, api.inbound("message"), `{}`, "missing.permissions", "[conversation:message:receive]"},
			"event":       {http.MethodPost, api.inbound("event"), `{}`, "missing.permissions", "[conversation:message:receive]"},
			"receipt":     {http.MethodPost, api.inbound("receipt"), `{}`, "missing.permissions", "[conversation:message:receive]"},
			"reply":       {http.MethodPost, api.inbound("structured/response"), `{}`, "missing.permissions", "[conversation:message:receive]"},
			"integration": {http.MethodGet, "/api/v2/conversations/messaging/integrations/open/" + channel.IntegrationID, "", "missing.permissions", "[messaging:integration:view]"},
			"queues":      {http.MethodGet, queuesPath, "", "missing.permissions", "[routing:queue:view]"},
			"wait":        {http.MethodGet, queuesPath + "/x/estimatedwaittime", "", "missing.permissions", "[routing:queue:view]"},
			"members": {
				http.MethodGet, queuesPath + "/x/members", "", "missing.any.permissions",
				"[routing:queue:view, routing:queue:edit, routing:queue:readonly, routing:queueMember:manage]",
			},
			"transfer": {
				http.MethodPost, "/api/v2/conversations/x/participants/y/replace/queue", `{}`, "missing.any.permissions",
				"[conversation:communication:blindTransfer, conversation:communication:blindTransferQueue]",
			},
			"replace": {
				http.MethodPost, "/api/v2/conversations/messages/x/participants/y/replace", `{}`, "missing.permissions",
				"[conversation:communication:blindTransfer]",
			},
			"disconnect": {
				http.MethodPatch, "/api/v2/conversations/messages/x", `{}`, "missing.any.permissions",
				"[conversation:communication:disconnect, conversation:message:park]",
			},
			"message read": {
				http.MethodGet, "/api/v2/conversations/messages/x/messages/y", "", "missing.any.permissions",
				"[conversation:message:view, conversation:webmessaging:view]",
			},
		}
		for name, p := range paths {
			status, body := api.do(p.method, p.path, p.body)
			require.Equal(t, http.StatusForbidden, status, name)
			require.Equal(t, p.code, body["code"], name)
			require.Equal(t, map[string]any{"permissions": p.permissions}, body["messageParams"], name)
			require.Contains(t, body["message"], p.permissions, name)
			require.Contains(t, body["messageWithParams"], "{permissions}", name)
		}
		status, _ := api.do(http.MethodGet, "/api/v2/conversations/messages/x", "")
		require.Equal(t, http.StatusNotFound, status, "reading a message conversation needs no permission")

		org.SetPermissions("conversation:communication:transfer")
		status, _ = api.do(http.MethodPost, "/api/v2/conversations/x/participants/y/replace/queue", `{"queueId":"q"}`)
		require.Equal(t, http.StatusNotFound, status, "the administration page's name of blindTransfer")

		status, _ = api.do(http.MethodGet, queuesPath, "")
		require.Equal(t, http.StatusForbidden, status)
		org.SetPermissions(genesystest.GuidePermissions()...)
		status, _ = api.do(http.MethodGet, queuesPath, "")
		require.Equal(t, http.StatusOK, status, "with the same token")
		org.SetPermissions()
		status, _ = api.do(http.MethodGet, queuesPath, "")
		require.Equal(t, http.StatusForbidden, status)
	})
}
