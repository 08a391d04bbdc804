package handover

import (
	"errors"
	"fmt"
	"log/slog"
)

// A Secret does not show itself: not in fmt (whatever the verb, wherever it is nested), not in slog, and
// encoding/json refuses to write it. It can be read from JSON, YAML, flags and environments.
// The zero value is an empty secret. Secrets are not comparable in a meaningful way; compare what Reveal returns.
type Secret struct{ v *string } // a pointer, because fmt prints unexported strings of nested values

const redacted = "[redacted]"

// NewSecret hides s.
func NewSecret(s string) Secret { return Secret{v: &s} }

// Reveal returns what is hidden, for the one place that needs it.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// String is "[redacted]".
func (s Secret) String() string { return redacted }

// GoString is "[redacted]", for %#v.
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue is "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is always an error: a secret that is to be written must be asked for with Reveal.
func (s Secret) MarshalText() ([]byte, error) {
	return nil, errors.New("handover: a Secret is not written; use Reveal where it must be")
}

// UnmarshalText hides text.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
