package machine

import (
	"cmp"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Key identifies one customer of one channel.
type Key struct {
	Channel  string `json:"channel,omitempty"`
	Customer string `json:"customer"`
}

// Compare orders keys by channel, then by customer, byte by byte.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Channel, o.Channel), cmp.Compare(k.Customer, o.Customer))
}

// The limits of a [Key], in bytes.
const (
	MaxChannelID  = 128
	MaxCustomerID = 256
)

// CheckPart checks a part of a key: its length in bytes, its UTF-8, and that it has no control
// characters.
func CheckPart(field, s string, least, most int) error {
	switch {
	case len(s) < least:
		return Invalidf("handover: %s is empty: set it to the host's own id", field)
	case len(s) > most:
		return Invalidf("handover: %s has %d bytes, the limit is %d: use a shorter id, a hash for example", field, len(s), most)
	case !utf8.ValidString(s):
		return Invalidf("handover: %s is not valid UTF-8: encode it, in base64 for example", field)
	case strings.ContainsFunc(s, unicode.IsControl):
		return Invalidf("handover: %s contains a control character: remove it", field)
	}
	return nil
}

// Check returns an [ErrInvalid] that names the mistake in a key, or nil.
func (k Key) Check() error {
	return Invalid(errors.Join(
		CheckPart("Key.Channel", k.Channel, 0, MaxChannelID),
		CheckPart("Key.Customer", k.Customer, 1, MaxCustomerID),
	))
}
