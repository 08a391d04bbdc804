package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// AnyIntegration as [Endpoint].IntegrationID accepts every integration that signs with the
// secrets, and bodies without an integration. Use a different secret for each tenant then.
const AnyIntegration = "*"

const (
	minSecret         = 16 // characters; a shorter secret is too weak
	recommendedSecret = 32
)

// An Endpoint is the configuration of one webhook URL. It has the secrets as plain strings: do
// not log it.
type Endpoint struct {
	Channel       string   // the host's name, for example of a tenant; copied to every Notification
	IntegrationID string   // the only integration that is accepted
	Secrets       []string // the current one first, then old ones during a rotation
}

// A Verifier verifies the requests for one [Endpoint]. Create it once and keep it, because it
// reuses its hash states. It is immutable and safe for concurrent use. The zero Verifier
// refuses everything.
type Verifier struct {
	channel     string
	integration string
	warnings    []string
	states      *sync.Pool // of *hashState
}

// A hashState has one keyed hash for each secret and space for a sum, so that verifying does
// not allocate.
type hashState struct {
	hashes []hash.Hash
	sum    [sha256.Size]byte
}

// NewVerifier returns a verifier for e. It returns an error, with all mistakes at once and no
// secret, if e has no secret, a secret of fewer than 16 characters, or no integration (use
// [AnyIntegration] to accept all). [Verifier.Warnings] lists what is accepted but not
// recommended.
func NewVerifier(e Endpoint) (*Verifier, error) {
	v := &Verifier{channel: e.Channel, integration: e.IntegrationID}
	var errs []error
	if e.IntegrationID == "" {
		errs = append(errs, errors.New(`webhook: Endpoint.IntegrationID is empty: copy it from the integration (docs/setup.md#step-4), `+
			`or use AnyIntegration ("*") to accept every integration with these secrets`))
	}
	if strings.ContainsFunc(e.IntegrationID, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		errs = append(errs, errors.New("webhook: Endpoint.IntegrationID contains a space or a control character; use only the id"))
	}
	if len(e.Secrets) == 0 {
		errs = append(errs, errors.New("webhook: Endpoint.Secrets is empty; set the secret of the integration (docs/setup.md#step-4), NewSecret makes one"))
	}
	for i, secret := range e.Secrets {
		warning, err := checkSecret(i, secret)
		if err != nil {
			errs = append(errs, err)
		}
		if warning != "" {
			v.warnings = append(v.warnings, warning)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	keys := slices.Clone(e.Secrets)
	v.states = &sync.Pool{New: func() any { return newHashState(keys) }}
	return v, nil
}

func checkSecret(i int, secret string) (warning string, err error) {
	n := utf8.RuneCountInString(secret)
	switch {
	case n == 0:
		return "", fmt.Errorf("webhook: Endpoint.Secrets[%d] is empty; remove it or set a secret", i)
	case n < minSecret:
		return "", fmt.Errorf("webhook: Endpoint.Secrets[%d] has %d characters; the minimum is %d, NewSecret makes one", i, n, minSecret)
	case strings.TrimSpace(secret) != secret:
		return fmt.Sprintf("secret %d begins or ends with a space or line break; check that it was copied correctly", i), nil
	case n < recommendedSecret:
		return fmt.Sprintf("secret %d has %d characters: %d or more are recommended; NewSecret makes one", i, n, recommendedSecret), nil
	default:
		return "", nil
	}
}

func newHashState(secrets []string) *hashState {
	s := &hashState{hashes: make([]hash.Hash, len(secrets))}
	for i, secret := range secrets {
		s.hashes[i] = hmac.New(sha256.New, []byte(secret))
	}
	return s
}

// Warnings returns the problems of accepted secrets: fewer than 32 characters, or spaces at the
// ends. A handler with a logger logs them once. The slice is a copy and has no secret.
func (v *Verifier) Warnings() []string { return slices.Clone(v.warnings) }

// Verifier returns v, so that a Verifier is a [Keyring].
func (v *Verifier) Verifier(*http.Request) (*Verifier, error) { return v, nil }

// Open verifies the raw body, then decodes it, then compares the integration. Nothing is
// decoded before it is verified. signature is the value of [SignatureHeader]. body has the
// received bytes: a body that was decoded and encoded again does not match. The Notification
// may share memory with body, so do not change body.
//
// It returns [ErrNoSignature], [ErrSignature], [ErrIntegration] or a [*DecodeError], each with
// a zero Notification. It does not limit the size of body and does not detect duplicates. It is
// safe for concurrent use.
func (v *Verifier) Open(signature string, body []byte) (Notification, error) {
	n, _, err := v.open(signature, body)
	return n, err
}

// open is Open and also returns the index of the secret that matched, or -1.
func (v *Verifier) open(signature string, body []byte) (Notification, int, error) {
	want, err := parseSignature(signature)
	if err != nil {
		return Notification{}, -1, err
	}
	secret := v.match(want, body)
	if secret < 0 {
		return Notification{}, -1, ErrSignature
	}
	outbound, err := openmessaging.ParseOutbound(body)
	if err != nil {
		return Notification{}, secret, &DecodeError{Err: err}
	}
	if !v.accepts(outbound.IntegrationID) {
		return Notification{}, secret, ErrIntegration
	}
	return Notification{Channel: v.channel, Outbound: outbound, Secret: secret}, secret, nil
}

// match returns the index of the first secret that matches, or -1. It always tries all secrets,
// so that its duration does not depend on which one matches.
func (v *Verifier) match(want [sha256.Size]byte, body []byte) int {
	if v.states == nil {
		return -1
	}
	s, ok := v.states.Get().(*hashState)
	if !ok {
		return -1
	}
	found := -1
	for i, h := range s.hashes {
		h.Reset()
		h.Write(body)
		if hmac.Equal(h.Sum(s.sum[:0]), want[:]) && found < 0 {
			found = i
		}
	}
	v.states.Put(s)
	return found
}

// accepts reports whether the integration is the configured one. Genesys ids are UUIDs, so it
// ignores case.
func (v *Verifier) accepts(integration string) bool {
	return v.integration == AnyIntegration || strings.EqualFold(v.integration, integration)
}

// SignatureHeader is the name of the header with the signature: "sha256=" and the base64
// HMAC-SHA256 of the raw body.
const SignatureHeader = "X-Hub-Signature-256"

const (
	signaturePrefix = "sha256="
	encodedSize     = 44 // 32 bytes in padded base64
)

// errHex and errFormat wrap ErrSignature for a signature that no secret could have made.
var (
	errHex = fmt.Errorf("%w: it is hex, but Genesys sends base64; "+
		"use Sign in tests and check proxies", ErrSignature)
	errFormat = fmt.Errorf("%w: it must be %q and the padded standard base64 of 32 bytes", ErrSignature, signaturePrefix)
)

// NewSecret returns a random secret for the integration (outbound notification webhook
// signature secret token) and for an [Endpoint]: 52 letters and digits with 260 bits from
// crypto/rand. It is safe for concurrent use.
func NewSecret() string { return rand.Text() + rand.Text() }

// Sign returns the value of [SignatureHeader] that Genesys sends with body, for tests and
// fakes. The key is the UTF-8 of secret, without decoding. It is safe for concurrent use.
func Sign(secret string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return signaturePrefix + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// parseSignature decodes the header without an allocation.
func parseSignature(header string) (sum [sha256.Size]byte, err error) {
	if header == "" {
		return sum, ErrNoSignature
	}
	if len(header) < len(signaturePrefix) || header[:len(signaturePrefix)] != signaturePrefix {
		return sum, errFormat
	}
	encoded := header[len(signaturePrefix):]
	if isHex(encoded) {
		return sum, errHex
	}
	if len(encoded) != encodedSize {
		return sum, errFormat
	}
	var src [encodedSize]byte
	copy(src[:], encoded)
	var dst [encodedSize / 4 * 3]byte
	n, err := base64.StdEncoding.Decode(dst[:], src[:])
	if err != nil || n != sha256.Size {
		return sum, errFormat
	}
	copy(sum[:], dst[:])
	return sum, nil
}

func isHex(s string) bool {
	if len(s) != hex.EncodedLen(sha256.Size) {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}
