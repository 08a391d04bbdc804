package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// noting is a Keyring that notes what was refused.
type noting struct {
	webhook.Keyring

	refused []error
	body    string
}

func (k *noting) Refused(r *http.Request, err error) {
	b, _ := io.ReadAll(r.Body)
	k.refused, k.body = append(k.refused, err), k.body+string(b)
	panic("the answer is the same")
}

func TestHandlerReportsRefusalsToTheKeyring(t *testing.T) {
	t.Parallel()
	good, other := string(text(integrationA)), string(text(integrationB))
	sign := func(body string) string { return webhook.Sign(secretA, []byte(body)) }
	for name, test := range map[string]struct {
		signature, body string
		callback        error
		status          int
		want            error
	}{
		"accepted":            {signature: sign(good), body: good, status: 200},
		"no signature":        {body: good, status: 401, want: webhook.ErrNoSignature},
		"wrong secret":        {signature: webhook.Sign(secretB, []byte(good)), body: good, status: 401, want: webhook.ErrSignature},
		"another integration": {signature: sign(other), body: other, status: 401, want: webhook.ErrIntegration},
		"too large":           {body: strings.Repeat("x", 2000), status: 413, want: webhook.ErrTooLarge},
		"callback fails":      {signature: sign(good), body: good, callback: errors.New("store down"), status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &noting{Keyring: newVerifier(t, endpoint(integrationA, secretA))}
			h := webhook.NewHandler(k, func(context.Context, webhook.Notification) error { return test.callback }, webhook.WithMaxBytes(1000))
			require.Equal(t, test.status, serve(h, post(t, test.signature, test.body)).Code)
			require.Empty(t, k.body)
			if test.want == nil {
				require.Empty(t, k.refused)
				return
			}
			require.Len(t, k.refused, 1)
			require.ErrorIs(t, k.refused[0], test.want)
			require.NotContains(t, k.refused[0].Error(), "Hello")
		})
	}
}

func TestHandlerReportsAnUnreadableBodyToTheKeyring(t *testing.T) {
	t.Parallel()
	k := &noting{Keyring: newVerifier(t, endpoint(integrationA, secretA))}
	body := `{"private`
	require.Equal(t, 400, serve(webhook.NewHandler(k, nil), post(t, webhook.Sign(secretA, []byte(body)), body)).Code)
	require.Len(t, k.refused, 1)
	require.ErrorContains(t, k.refused[0], "webhook: unreadable body")
	require.NotContains(t, k.refused[0].Error(), "private")
}
