package httpx

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Path joins segments, each escaped. A segment that could lead to another endpoint is an error: empty, ".", "..", one
// that holds a slash, a backslash or a control character, itself or once percent-decoding is done with it. Ids come
// from webhooks, and proxies decode what they should not. The error does not repeat the segment.
func Path(segments ...string) (string, error) {
	if len(segments) == 0 {
		return "", errors.New("the path is empty")
	}
	var b strings.Builder
	for i, s := range segments {
		if why := badSegment(s); why != "" {
			return "", fmt.Errorf("path segment %d %s", i+1, why)
		}
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String(), nil
}

func badSegment(s string) string {
	if s == "" {
		return "is empty"
	}
	if len(s) > 1024 {
		return "is over 1024 bytes"
	}
	for range 4 {
		if s == "." || s == ".." {
			return `is "." or ".."`
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r == '/' || r == '\\' || r < ' ' || r == 0x7f }) {
			return "holds a slash, a backslash or a control character"
		}
		decoded, err := url.PathUnescape(s)
		if err != nil || decoded == s {
			return ""
		}
		s = decoded
	}
	return "is percent-encoded again and again"
}
