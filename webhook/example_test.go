package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// tenants returns the verifier by the path: one URL pattern for many integrations.
type tenants map[string]*webhook.Verifier

func (t tenants) Verifier(r *http.Request) (*webhook.Verifier, error) {
	if v, ok := t[r.PathValue("channel")]; ok {
		return v, nil
	}
	return nil, webhook.ErrNoChannel
}

func ExampleNewHandler() {
	secret := webhook.NewSecret() // also set in the integration
	verifier, err := webhook.NewVerifier(webhook.Endpoint{
		Channel:       "acme",
		IntegrationID: "a1a1a1a1-0000-4000-8000-00000000000a",
		Secrets:       []string{secret},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	deliver := func(_ context.Context, n webhook.Notification) error {
		if m, ok := n.Outbound.Body.(openmessaging.Message); ok {
			fmt.Println("to", n.Outbound.CustomerID, "of", n.Channel+":", m.Text)
		}
		return nil // stored: Genesys need not send it again
	}
	mux := http.NewServeMux()
	mux.Handle("POST /genesys/{channel}", webhook.NewHandler(tenants{"acme": verifier}, deliver))

	// Genesys would send:
	body := `{"id":"0f2a","channel":{"id":"a1a1a1a1-0000-4000-8000-00000000000a","to":{"id":"ann"},"time":"2026-08-10T21:03:05.427Z"},` +
		`"type":"Text","text":"Hello, this is Bob","direction":"Outbound"}`
	for _, path := range []string{"/genesys/acme", "/genesys/other"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)) //nolint:noctx // an example has no context
		r.Header.Set(webhook.SignatureHeader, webhook.Sign(secret, []byte(body)))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(path, w.Code)
	}
	// Output:
	// to ann of acme: Hello, this is Bob
	// /genesys/acme 200
	// /genesys/other 404
}

// Without net/http, for example in an AWS Lambda function, call Open with the value of the
// header and the raw bytes. API Gateway may pass the body in base64; decode that first.
func ExampleVerifier_Open() {
	const secret = "a secret of at least 32 characters"
	verifier, err := webhook.NewVerifier(webhook.Endpoint{
		Channel:       "acme",
		IntegrationID: "a1a1a1a1-0000-4000-8000-00000000000a",
		Secrets:       []string{secret},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"id":"0f2a","channel":{"id":"a1a1a1a1-0000-4000-8000-00000000000a","to":{"id":"ann"},` +
		`"time":"2026-08-10T21:03:05.427Z"},"type":"Text","text":"Hello","direction":"Outbound"}`)

	n, err := verifier.Open(webhook.Sign(secret, body), body)
	fmt.Println(n.Outbound.ID, n.Outbound.CustomerID, err)

	_, err = verifier.Open(webhook.Sign("the secret of another tenant", body), body)
	fmt.Println(err)
	// Output:
	// 0f2a ann <nil>
	// webhook: wrong signature
}

func ExampleNewSignalHandler() {
	recheck := func(_ context.Context, conversationID string) error { // a Manager's Recheck
		fmt.Println("look at", conversationID)
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("POST /signals", webhook.NewSignalHandler("a token of 16 characters or more", recheck))

	r := httptest.NewRequest(http.MethodPost, "/signals", //nolint:noctx // an example has no context
		strings.NewReader(`{"conversationId":"c0c0c0c0-0000-4000-8000-000000000001"}`))
	r.Header.Set("Authorization", "Bearer a token of 16 characters or more")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// look at c0c0c0c0-0000-4000-8000-000000000001
	// 200
}

func ExampleParseEventBridge() {
	e, err := webhook.ParseEventBridge([]byte(`{"detail-type":"v2.detail.events.conversation.{id}.customer.end","detail":{
		"topicName":"v2.detail.events.conversation.c0c0c0c0-0000-4000-8000-000000000001.customer.end",
		"eventBody":{"conversationId":"c0c0c0c0-0000-4000-8000-000000000001","eventTime":1795809600005,"disconnectType":"PEER"}}}`))
	// A customer's end goes to Manager.Ended, every other event to Manager.Recheck.
	fmt.Println(e.ConversationID, e.CustomerEnded, e.Time.Format(time.RFC3339), err)
	// Output: c0c0c0c0-0000-4000-8000-000000000001 true 2026-11-27T20:00:00Z <nil>
}

func ExampleNewSecret() {
	fmt.Println(len(webhook.NewSecret()), "characters")
	// Output: 52 characters
}
