package genesystest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// FuzzInbound checks that no body panics, and that each is accepted or refused with an error
// body.
func FuzzInbound(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{"channel":null}`, `{` + okChannel + `,"text":"hello"}`,
		`{` + okChannel + `,"content":[{"contentType":"Attachment","attachment":{"mediaType":"File","url":"u","mime":"m"}}]}`,
		`{` + okChannel + `,"content":[null]}`, `{` + okChannel + `,"events":[{"eventType":"Typing"}]}`,
		`{"id":"x",` + okTo + `,"status":"Failed","reasons":[{"code":"GeneralError","message":"m"}]}`,
		`{` + okChannel + `,"buttonResponse":{"type":"Button","text":"a","payload":"b"},"originatingMessageId":"x"}`,
		`{"channel":{"from":{"id":"c","idType":"Email"},"time":"2026-01-02T03:04:05Z","metadata":{"customAttributes":{"k":"v"}}},"text":"a"}`,
	} {
		for kind := range 4 {
			f.Add(kind, []byte(seed))
		}
	}
	kinds := []string{"message", "event", "receipt", "structured/response"}
	f.Fuzz(func(t *testing.T, kind int, body []byte) {
		org := genesystest.New(t, genesystest.AllowErrors(), genesystest.WithRateLimit(0))
		token := bearer(t, org)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v2/conversations/messages/"+org.Channel().IntegrationID+
			"/inbound/open/"+kinds[uint(kind)%4], bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		org.Handler().ServeHTTP(w, r)
		require.Contains(t, []int{200, 400, 413}, w.Code)
		require.True(t, json.Valid(w.Body.Bytes()))
		require.Equal(t, w.Code != 200, strings.Contains(w.Body.String(), `"contextId"`))
	})
}

// bearer returns a token, without the network.
func bearer(t *testing.T, org *genesystest.Org) string {
	t.Helper()
	r := tokenRequest(t.Context(), org)
	w := httptest.NewRecorder()
	org.Handler().ServeHTTP(w, r)
	var body struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	return body.Token
}

// FuzzRecord checks that every answer can be recorded and replayed, and that JSON stays JSON.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"access_token":"s","a":[{"nickname":{"x":"y"}}],"n":1.50}`, `text`, "\xff\xfe", `"é"`, `123456789012345678901234567890`} {
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, ask, tell []byte) {
		dir := filepath.Join(t.TempDir(), "x")
		base := roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(tell)), Request: r}, nil
		})
		for _, client := range []func() *http.Client{
			func() *http.Client { return &http.Client{Transport: genesystest.Record(base, dir)} },
			func() *http.Client { return genesystest.Replay(t, dir) },
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example/x", bytes.NewReader(ask))
			require.NoError(t, err)
			res, err := client().Do(req)
			require.NoError(t, err)
			b, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, json.Valid(tell), json.Valid(b), "%q", b)
		}
	})
}

// BenchmarkMessage measures a customer's message over the memory network.
func BenchmarkMessage(b *testing.B) {
	org := genesystest.New(b, genesystest.WithRateLimit(0), genesystest.WithoutFlow())
	c := org.HTTPClient()
	res, err := c.Do(tokenRequest(b.Context(), org))
	require.NoError(b, err)
	var token struct {
		Value string `json:"access_token"`
	}
	require.NoError(b, json.NewDecoder(res.Body).Decode(&token))
	require.NoError(b, res.Body.Close())
	url := org.Channel().Region.API() + "/api/v2/conversations/messages/" + org.Channel().IntegrationID + "/inbound/open/message"
	body := `{"channel":{"from":{"id":"c1","idType":"Opaque"},"time":"` + wireTime(time.Now()) + `"},"text":"hello"}`
	b.ReportAllocs()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token.Value)
		r.Header.Set("Content-Type", "application/json")
		res, err := c.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res.Status, err)
		}
		_ = res.Body.Close()
	}
}
