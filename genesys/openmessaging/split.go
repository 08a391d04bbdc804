package openmessaging

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SplitText cuts s into parts of at most limit characters (runes), so that a long text can be
// sent as several messages. A limit below 1 means 2,000, the most that Validate accepts.
//
// No character is lost: strings.Join(SplitText(s, n), "") == s. It cuts after a line break in
// the second half of a part if there is one, otherwise after a space, otherwise between
// characters. The line break or space stays at the end of its part, so trim parts only for
// display. An accented letter, a combined emoji and "\r\n" are not cut unless limit is too
// small for them. An empty text has no parts.
func SplitText(s string, limit int) []string {
	if limit < 1 {
		limit = maxText
	}
	var parts []string
	for s != "" {
		end := prefix(s, limit)
		if end < len(s) {
			end = cut(s, end)
		}
		parts = append(parts, s[:end])
		s = s[end:]
	}
	return parts
}

// prefix returns the length in bytes of the first n characters of s.
func prefix(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	i := 0
	for ; n > 0 && i < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return i
}

// cut returns the best place for a cut in s[:end]. It is never 0: the first half of a part is
// not searched.
func cut(s string, end int) int {
	half := prefix(s[:end], utf8.RuneCountInString(s[:end])/2)
	if i := strings.LastIndexByte(s[half:end], '\n'); i >= 0 {
		return half + i + 1
	}
	if s[end-1] == '\r' && s[end] == '\n' && end > 1 {
		return end - 1
	}
	if i := strings.LastIndexFunc(s[half:end], unicode.IsSpace); i >= 0 {
		_, size := utf8.DecodeRuneInString(s[half+i:])
		return half + i + size
	}
	for i := end; i > half && i > 0; {
		before, size := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i:])
		if !joins(before, after) {
			return i
		}
		i -= size
	}
	return end
}

const zeroWidthJoiner = '\u200d'

// joins reports whether before and after are displayed as one character. It covers the common
// cases, not all of Unicode.
func joins(before, after rune) bool {
	skinTone := after >= 0x1F3FB && after <= 0x1F3FF
	return before == zeroWidthJoiner || after == zeroWidthJoiner || skinTone || unicode.Is(unicode.M, after)
}
