package openmessaging

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SplitText cuts s into parts of at most limit characters (runes), so that a long text can be sent as several
// messages. A limit below 1 means [MaxText].
//
// No character is lost: strings.Join(SplitText(s, n), "") == s. A cut falls behind a line break where there is one
// in the second half of a part, else behind a space, else between characters; the break or space stays at the end of
// its part, so trim parts only for display. An accent, a joined emoji or "\r\n" is not torn apart unless limit is too
// small to hold it. The empty text has no parts.
func SplitText(s string, limit int) []string {
	if limit < 1 {
		limit = MaxText
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

// prefix is the length in bytes of the first n characters of s.
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

// cut moves end back to the best place in s[:end]. It always leaves something: the first half is not searched.
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

// joins reports whether a reader sees the two as one character. It knows the common cases, not all of Unicode.
func joins(before, after rune) bool {
	skinTone := after >= 0x1F3FB && after <= 0x1F3FF
	return before == zeroWidthJoiner || after == zeroWidthJoiner || skinTone || unicode.Is(unicode.M, after)
}
