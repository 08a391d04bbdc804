package handover

import (
	"errors"
	"fmt"
	"log/slog"
)

// A Secret is a string that is not printed. fmt prints "[redacted]" for every verb and at any
// depth, and so does slog. encoding/json returns an error instead of writing it. A Secret can
// be read from JSON, YAML, flags and environment variables. The zero value is an empty secret.
// == does not compare the content; compare the results of Reveal.
type Secret struct{ v *string } // a pointer, because fmt prints unexported strings of nested values

const redacted = "[redacted]"

// NewSecret returns a Secret with the content s.
func NewSecret(s string) Secret { return Secret{v: &s} }

// Reveal returns the content.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]" for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText always returns an error, so that no encoder writes a secret by accident.
func (s Secret) MarshalText() ([]byte, error) {
	return nil, errors.New("handover: Secret cannot be encoded: write the result of Reveal if it has to be stored")
}

// UnmarshalText sets the content. It never returns an error.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
