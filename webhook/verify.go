package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
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

// AnyIntegration as [Endpoint].IntegrationID makes a verifier that accepts every integration signed with its secrets,
// and bodies that name none. Give no two tenants the same secret then.
const AnyIntegration = "*"

const (
	minSecret  = 16 // characters; below, guessing is cheap
	goodSecret = 32
)

// An Endpoint is what one webhook URL is for. Its secrets are plain strings: keep it out of logs.
type Endpoint struct {
	Channel       string   // the host's name for it (a tenant, a brand); comes back in every Notification
	IntegrationID string   // whose notifications may arrive here; another's are refused although signed
	Secrets       []string // the current one first, then those being retired
}

// A Verifier checks what arrives at one [Endpoint]. Make it once and keep it: it reuses its keyed hash states. It is
// immutable and safe for concurrent use. The zero Verifier refuses everything.
type Verifier struct {
	channel     string
	integration string
	warnings    []string
	states      *sync.Pool // of *state
}

// A state is one keyed hash per secret and room for their sums, so that verifying allocates nothing.
type state struct {
	hashes []hash.Hash
	sum    [sha256.Size]byte
}

// NewVerifier refuses an endpoint without a secret, with one of fewer than 16 characters, or without an integration
// ([AnyIntegration] says it is meant). It reports every mistake at once and repeats no secret. What is allowed but
// unwise is in [Verifier.Warnings].
func NewVerifier(e Endpoint) (*Verifier, error) {
	v := &Verifier{channel: e.Channel, integration: e.IntegrationID}
	var errs []error
	if e.IntegrationID == "" {
		errs = append(errs, errors.New(`webhook: Endpoint.IntegrationID is empty: take it from the integration's page, `+
			`or write AnyIntegration ("*") if every integration with these secrets may post here`))
	}
	if strings.ContainsFunc(e.IntegrationID, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		errs = append(errs, errors.New("webhook: Endpoint.IntegrationID contains a space or a control character: write the id alone"))
	}
	if len(e.Secrets) == 0 {
		errs = append(errs, errors.New("webhook: Endpoint.Secrets is empty: without a secret nothing can be verified; NewSecret makes one"))
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
	v.states = &sync.Pool{New: func() any { return newState(keys) }}
	return v, nil
}

func checkSecret(i int, secret string) (warning string, err error) {
	n := utf8.RuneCountInString(secret)
	switch {
	case n == 0:
		return "", fmt.Errorf("webhook: Endpoint.Secrets[%d] is empty", i)
	case n < minSecret:
		return "", fmt.Errorf("webhook: Endpoint.Secrets[%d] has %d characters, at least %d are needed; NewSecret makes one", i, n, minSecret)
	case strings.TrimSpace(secret) != secret:
		return fmt.Sprintf("secret %d begins or ends with a space or line break: was it pasted whole and alone?", i), nil
	case n < goodSecret:
		return fmt.Sprintf("secret %d has %d characters: %d or more are recommended; NewSecret makes one", i, n, goodSecret), nil
	default:
		return "", nil
	}
}

func newState(secrets []string) *state {
	s := &state{hashes: make([]hash.Hash, len(secrets))}
	for i, secret := range secrets {
		s.hashes[i] = hmac.New(sha256.New, []byte(secret))
	}
	return s
}

// Warnings lists what is allowed but unwise about the secrets: fewer than 32 characters, or spaces around one. A handler
// with a logger logs them once. The slice is the caller's own and never holds a secret.
func (v *Verifier) Warnings() []string { return slices.Clone(v.warnings) }

// Verifier returns v, so that one Verifier is a [Keyring].
func (v *Verifier) Verifier(*http.Request) (*Verifier, error) { return v, nil }

// Open verifies the raw body, then reads it, then checks whose it is. Nothing is decoded before it is verified.
// signature is the value of [SignatureHeader]; body is what came over the wire, byte for byte: never parse and write it
// again. The Notification may share memory with body, so leave body unchanged.
//
// It returns [ErrNoSignature], [ErrSignature], [ErrIntegration] or a [*DecodeError], always with a zero Notification. It
// sets no limit on the size of body, does not know whether it saw the same post before, and is safe for concurrent use.
func (v *Verifier) Open(signature string, body []byte) (Notification, error) {
	n, _, err := v.open(signature, body)
	return n, err
}

// open is Open that also tells which secret matched, -1 for none.
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

// match tries every secret, also after one matched: the time it takes says nothing about which.
func (v *Verifier) match(want [sha256.Size]byte, body []byte) int {
	if v.states == nil {
		return -1
	}
	s, ok := v.states.Get().(*state)
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

// accepts compares ids as Genesys means them: UUIDs, so case does not matter.
func (v *Verifier) accepts(integration string) bool {
	return v.integration == AnyIntegration || strings.EqualFold(v.integration, integration)
}
