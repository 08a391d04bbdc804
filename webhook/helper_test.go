package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/webhook"
)

const (
	secretA = "0123456789abcdefghijklmnopqrstuvwxyzABCD"
	secretB = "DCBAzyxwvutsrqponmlkjihgfedcba9876543210"

	integrationA = "a1a1a1a1-0000-4000-8000-00000000000a"
	integrationB = "b2b2b2b2-0000-4000-8000-00000000000b"
)

// text returns a message of an agent as Genesys sends it.
func text(integration string) []byte {
	return []byte(`{"id":"0f2a","channel":{"id":"` + integration + `","platform":"Open","type":"Private","to":{"id":"customer-1","idType":"Opaque"},` +
		`"from":{"nickname":"desk","id":"` + integration + `","idType":"Opaque"},"time":"2026-08-10T21:03:05.427Z","messageId":"0f2a"},` +
		`"type":"Text","text":"Hello","originatingEntity":"Human","direction":"Outbound","conversationId":"c0c0c0c0-0000-4000-8000-000000000001"}`)
}

func endpoint(integration string, secrets ...string) webhook.Endpoint {
	return webhook.Endpoint{Channel: "tenant", IntegrationID: integration, Secrets: secrets}
}

func newVerifier(tb testing.TB, e webhook.Endpoint) *webhook.Verifier {
	tb.Helper()
	v, err := webhook.NewVerifier(e)
	require.NoError(tb, err)
	return v
}

func post(tb testing.TB, signature, body string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/genesys", strings.NewReader(body))
	if signature != "" {
		r.Header.Set(webhook.SignatureHeader, signature)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
