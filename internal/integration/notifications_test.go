package integration_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/internal/integration/contract"
)

// TestContractOfNotifications compares the fake's answers about notification channels with the
// definition. The requests are written by hand, so that no client can hide a mistake.
func TestContractOfNotifications(t *testing.T) {
	t.Parallel()
	path := os.Getenv("GENESYS_OPENAPI")
	if path == "" {
		t.Skip("NOT CHECKED: the contract with Genesys Cloud; see TestContract")
	}
	definition, err := contract.Load(path, contract.Genesys())
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		recorder := contract.NewRecorder(org.HTTPClient().Transport)
		s := &stage{t: t, org: org, channel: org.Channel()}
		s.talkAboutChannels(&http.Client{Transport: recorder})

		coverage := contract.NewCoverage()
		for _, e := range recorder.Exchanges() {
			for _, v := range definition.Check(e, coverage) {
				t.Error(v)
			}
		}
		for _, op := range []string{
			"POST /api/v2/notifications/channels", "GET /api/v2/notifications/channels", "HEAD /api/v2/notifications/channels/{channelId}",
		} {
			require.True(t, coverage.Succeeded(op), op)
		}
		for _, method := range []string{"GET ", "POST ", "PUT ", "DELETE "} {
			op := method + "/api/v2/notifications/channels/{channelId}/subscriptions"
			require.True(t, coverage.Succeeded(op), op)
		}
		for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound} {
			require.True(t, coverage.Failed(status), status)
		}
	})
}

func (s *stage) talkAboutChannels(client *http.Client) {
	s.t.Helper()
	var token struct {
		Value string `json:"access_token"`
	}
	ask := func(want int, method, path, body string, into any) {
		s.t.Helper()
		address := s.channel.Region.API() + path
		if strings.HasPrefix(path, "/oauth") {
			address = s.channel.Region.Login() + path
		}
		r, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body))
		require.NoError(s.t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token.Value)
		if token.Value == "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(s.channel.ClientID, s.channel.ClientSecret.Reveal())
		}
		res, err := client.Do(r)
		require.NoError(s.t, err)
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		require.NoError(s.t, err)
		require.Equal(s.t, want, res.StatusCode, "%s %s: %s", method, path, b)
		if into != nil {
			require.NoError(s.t, json.Unmarshal(b, into))
		}
	}
	ask(http.StatusOK, http.MethodPost, "/oauth/token", "grant_type=client_credentials", &token)

	const channels = "/api/v2/notifications/channels"
	var channel struct {
		ID string `json:"id"`
	}
	ask(http.StatusOK, http.MethodPost, channels, "", &channel)
	ask(http.StatusOK, http.MethodGet, channels+"?includechannels=oauthclient", "", nil)
	ask(http.StatusOK, http.MethodHead, channels+"/"+channel.ID, "", nil)
	ask(http.StatusNotFound, http.MethodHead, channels+"/other", "", nil)
	topics := channels + "/" + channel.ID + "/subscriptions"
	const (
		queue  = `{"id":"v2.routing.queues.q1.conversations.messages"}`
		detail = `{"id":"v2.detail.events.conversation.c1.user.end"}`
	)
	ask(http.StatusOK, http.MethodPost, topics+"?ignoreErrors=true", "["+queue+","+detail+"]", nil)
	ask(http.StatusForbidden, http.MethodPost, topics, "["+detail+"]", nil)
	ask(http.StatusOK, http.MethodPut, topics, "["+queue+"]", nil)
	ask(http.StatusOK, http.MethodGet, topics, "", nil)
	ask(http.StatusNoContent, http.MethodDelete, topics, "", nil)
	ask(http.StatusBadRequest, http.MethodPost, topics, `[{"id":"v2.conversations.messages"}]`, nil)
	ask(http.StatusNotFound, http.MethodGet, channels+"/other/subscriptions", "", nil)
}
