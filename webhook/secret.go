package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// SignatureHeader carries "sha256=" and the base64 HMAC-SHA256 of the raw body.
const SignatureHeader = "X-Hub-Signature-256"

const (
	signaturePrefix = "sha256="
	encodedSize     = 44 // 32 bytes in padded base64
)

// errHex and errForm are ErrSignature with a cause that no other secret would cure.
var (
	errHex = fmt.Errorf("%w: it is hex, but Genesys sends base64: "+
		"is a proxy or a test client signing? See Sign", ErrSignature)
	errForm = fmt.Errorf("%w: it is not %q and the padded standard base64 of 32 bytes", ErrSignature, signaturePrefix)
)

// NewSecret returns a random secret to put in the integration (outbound notification webhook signature secret token) and
// in an [Endpoint]: 52 letters and digits with 260 bits from crypto/rand. It is safe for concurrent use.
func NewSecret() string { return rand.Text() + rand.Text() }

// Sign returns the value of [SignatureHeader] that Genesys would send with body; for tests and fakes. The key is the
// UTF-8 of the secret as it was typed, not decoded. It is safe for concurrent use.
func Sign(secret string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return signaturePrefix + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// parseSignature decodes a header value, on the stack.
func parseSignature(header string) (sum [sha256.Size]byte, err error) {
	if header == "" {
		return sum, ErrNoSignature
	}
	if len(header) < len(signaturePrefix) || header[:len(signaturePrefix)] != signaturePrefix {
		return sum, errForm
	}
	encoded := header[len(signaturePrefix):]
	if isHex(encoded) {
		return sum, errHex
	}
	if len(encoded) != encodedSize {
		return sum, errForm
	}
	var src [encodedSize]byte
	copy(src[:], encoded)
	var dst [encodedSize / 4 * 3]byte
	n, err := base64.StdEncoding.Decode(dst[:], src[:])
	if err != nil || n != sha256.Size {
		return sum, errForm
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
