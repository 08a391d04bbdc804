package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/webhook"
)

func TestOpenReturnsTheNotification(t *testing.T) {
	t.Parallel()
	body := text(integrationA)
	n, err := newVerifier(t, endpoint(integrationA, secretA)).Open(webhook.Sign(secretA, body), body)
	require.NoError(t, err)
	require.Equal(t, "tenant", n.Channel)
	require.Zero(t, n.Secret)
	require.Equal(t, integrationA, n.Outbound.IntegrationID)
	require.Equal(t, "customer-1", n.Outbound.CustomerID)
	require.Equal(t, openmessaging.Message{Text: "Hello"}, n.Outbound.Body)
}

// The expected value is from OpenSSL: printf %s '{}' | openssl dgst -sha256 -hmac
// 0123456789abcdef -binary | base64.
func TestSignMatchesOpenSSL(t *testing.T) {
	t.Parallel()
	require.Equal(t, "sha256=+R4+nwXMLfZKwcJvitzN/9qNHkp6jFChoI7q2sbd/sU=", webhook.Sign("0123456789abcdef", []byte("{}")))
}

func TestOpenRefusesWrongSignatures(t *testing.T) {
	t.Parallel()
	body := text(integrationA)
	right := webhook.Sign(secretA, body)
	sum := hmac.New(sha256.New, []byte(secretA))
	sum.Write(body)
	raw := sum.Sum(nil)
	flipped := bytes.Clone(raw)
	flipped[31] ^= 1
	std := base64.StdEncoding.EncodeToString
	tests := []struct {
		name, signature string
		want            error
		hint            string
	}{
		{"none", "", webhook.ErrNoSignature, ""},
		{"forged", webhook.Sign(secretB, body), webhook.ErrSignature, ""},
		{"one bit", "sha256=" + std(flipped), webhook.ErrSignature, ""},
		{"empty", "sha256=", webhook.ErrSignature, "padded standard base64"},
		{"truncated", right[:len(right)-4], webhook.ErrSignature, "padded standard base64"},
		{"without padding", strings.TrimRight(right, "="), webhook.ErrSignature, "padded standard base64"},
		{"longer", right + "AAAA", webhook.ErrSignature, "padded standard base64"},
		{"31 bytes", "sha256=" + std(raw[:31]), webhook.ErrSignature, "padded standard base64"},
		{"no prefix", strings.TrimPrefix(right, "sha256="), webhook.ErrSignature, "padded standard base64"},
		{"prefix in capitals", "SHA256=" + strings.TrimPrefix(right, "sha256="), webhook.ErrSignature, "padded standard base64"},
		{"other hash", "sha1=" + strings.TrimPrefix(right, "sha256="), webhook.ErrSignature, "padded standard base64"},
		{"line breaks", "sha256=" + std(raw[:30]) + "\r\n\r\n", webhook.ErrSignature, "padded standard base64"},
		{"two", right + "," + right, webhook.ErrSignature, "padded standard base64"},
		{"not base64", "sha256=" + strings.Repeat("!", 44), webhook.ErrSignature, "padded standard base64"},
		{"hex", "sha256=" + hex.EncodeToString(raw), webhook.ErrSignature, "it is hex, but Genesys sends base64"},
		{"hex in capitals", "sha256=" + strings.ToUpper(hex.EncodeToString(raw)), webhook.ErrSignature, "it is hex"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n, err := newVerifier(t, endpoint(integrationA, secretA)).Open(test.signature, body)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.hint)
			require.Zero(t, n)
			require.NotContains(t, err.Error(), secretA)
			require.NotContains(t, err.Error(), std(raw), "the right signature must not be told")
		})
	}
}

func TestOpenRequiresTheRawBytes(t *testing.T) {
	t.Parallel()
	body := text(integrationA)
	v := newVerifier(t, endpoint(integrationA, secretA))
	signature := webhook.Sign(secretA, body)
	var parsed any
	require.NoError(t, json.Unmarshal(body, &parsed))
	again, err := json.Marshal(parsed)
	require.NoError(t, err)
	for name, other := range map[string][]byte{
		"re-serialised": again, "truncated": body[:len(body)-1], "longer": append(bytes.Clone(body), ' '), "empty": nil,
		"other text": bytes.Replace(body, []byte("Hello"), []byte("Hallo"), 1),
	} {
		n, err := v.Open(signature, other)
		require.ErrorIs(t, err, webhook.ErrSignature, name)
		require.Zero(t, n, name)
	}
}

func TestOpenTriesEverySecret(t *testing.T) {
	t.Parallel()
	body := text(integrationA)
	v := newVerifier(t, endpoint(integrationA, secretB, strings.Repeat("r", 32), secretA, secretA))
	for range 3 { // to reuse the hash states
		n, err := v.Open(webhook.Sign(secretA, body), body)
		require.NoError(t, err)
		require.Equal(t, 2, n.Secret, "the first that matches")
		n, err = v.Open(webhook.Sign(secretB, body), body)
		require.NoError(t, err)
		require.Zero(t, n.Secret)
		_, err = v.Open(webhook.Sign("another secret of some length", body), body)
		require.ErrorIs(t, err, webhook.ErrSignature)
	}
}

func TestOpenComparesTheIntegration(t *testing.T) {
	t.Parallel()
	none := []byte(`{"id":"1","channel":{"to":{"id":"c"},"from":{},"time":"2026-08-10T21:03:05.427Z"},"type":"Text","text":"x","direction":"Outbound"}`)
	from := []byte(`{"id":"1","channel":{"to":{"id":"c"},"from":{"id":"` + integrationA + `"},"time":"2026-08-10T21:03:05.427Z"},"type":"Text","text":"x","direction":"Outbound"}`)
	tests := []struct {
		name, integration string
		body              []byte
		want              error
	}{
		{"own", integrationA, text(integrationA), nil},
		{"own in capitals", strings.ToUpper(integrationA), text(integrationA), nil},
		{"in channel.from alone", integrationA, from, nil},
		{"another's", integrationA, text(integrationB), webhook.ErrIntegration},
		{"none", integrationA, none, webhook.ErrIntegration},
		{"any", webhook.AnyIntegration, text(integrationB), nil},
		{"any, none", webhook.AnyIntegration, none, nil},
		{"a star in the body", integrationA, text("*"), webhook.ErrIntegration},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n, err := newVerifier(t, endpoint(test.integration, secretA)).Open(webhook.Sign(secretA, test.body), test.body)
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, test.want)
			require.Zero(t, n)
		})
	}
}

func TestOpenReportsUnreadableBodies(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, endpoint(webhook.AnyIntegration, secretA))
	for _, body := range []string{"", " ", "hunter2", "<xml/>", "[]", `"hunter2"`, "7", `{"id":"hunter2"`, `{"id":"1"}{}`, "\xff\xfe{}"} {
		n, err := v.Open(webhook.Sign(secretA, []byte(body)), []byte(body))
		_, ok := errors.AsType[*webhook.DecodeError](err)
		require.True(t, ok, "%q: %v", body, err)
		require.Error(t, errors.Unwrap(err))
		require.Contains(t, err.Error(), "webhook: unreadable body")
		require.NotContains(t, err.Error(), "hunter2")
		require.Zero(t, n)
	}
}

func TestZeroVerifierRefuses(t *testing.T) {
	t.Parallel()
	_, err := new(webhook.Verifier).Open(webhook.Sign("", []byte("{}")), []byte("{}"))
	require.ErrorIs(t, err, webhook.ErrSignature)
}

func TestNewVerifierRefusesWeakEndpoints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    webhook.Endpoint
		want []string
	}{
		{"nothing", webhook.Endpoint{}, []string{"IntegrationID is empty", "Secrets is empty"}},
		{"empty secret", endpoint(integrationA, ""), []string{"Secrets[0] is empty"}},
		{"short secret", endpoint(integrationA, "hunter2hunter2!"), []string{"Secrets[0] has 15 characters; the minimum is 16"}},
		{"short retired secret", endpoint(integrationA, secretA, "hunter2"), []string{"Secrets[1] has 7 characters"}},
		{"every mistake", endpoint("", "", "hunter2"), []string{"IntegrationID", "Secrets[0]", "Secrets[1]"}},
		{"pasted id", endpoint(integrationA+"\n", secretA), []string{"IntegrationID contains a space"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v, err := webhook.NewVerifier(test.e)
			require.Nil(t, v)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestWarningsHoldNoSecret(t *testing.T) {
	t.Parallel()
	require.Empty(t, newVerifier(t, endpoint(integrationA, secretA, strings.Repeat("ü", 32))).Warnings())
	v := newVerifier(t, endpoint(integrationA, secretA, "hunter2hunter2hunter2", secretB+"\n"))
	warnings := v.Warnings()
	require.Len(t, warnings, 2)
	require.Contains(t, warnings[0], "secret 1 has 21 characters: 32 or more")
	require.Contains(t, warnings[1], "secret 2 begins or ends with a space")
	require.NotContains(t, strings.Join(warnings, ""), "hunter2")
	warnings[0] = "changed"
	require.NotEqual(t, warnings, v.Warnings())
}

func TestNewSecretIsLongAndRandom(t *testing.T) {
	t.Parallel()
	a, b := webhook.NewSecret(), webhook.NewSecret()
	require.NotEqual(t, a, b)
	require.Regexp(t, `^[A-Za-z0-9]{43,}$`, a)
	require.Empty(t, newVerifier(t, endpoint(integrationA, a)).Warnings())
}

func FuzzOpen(f *testing.F) {
	body := text(integrationA)
	f.Add(webhook.Sign(secretA, body), body)
	f.Add(webhook.Sign(secretB, body), body)
	f.Add("", []byte(nil))
	f.Add("sha256="+strings.Repeat("0", 64), body)
	f.Add("sha256="+strings.Repeat("A", 43)+"=", []byte("{}"))
	f.Add("sha256=\r\n", []byte("[1]"))
	v := newVerifier(f, endpoint(integrationA, secretA))
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		before := bytes.Clone(body)
		if n, err := v.Open(signature, body); err != nil {
			require.Zero(t, n)
		} else {
			require.Equal(t, webhook.Sign(secretA, body), signature[:len("sha256=")]+canonical(t, signature))
		}
		if n, err := v.Open(webhook.Sign(secretA, body), body); err == nil {
			require.Equal(t, integrationA, strings.ToLower(n.Outbound.IntegrationID))
		} else {
			require.NotErrorIs(t, err, webhook.ErrSignature)
			require.Zero(t, n)
		}
		require.Equal(t, before, body)
	})
}

// canonical encodes the base64 of a signature again: its last character has unused bits.
func canonical(t *testing.T, signature string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "sha256="))
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(b)
}
