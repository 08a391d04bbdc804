package openmessaging_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func TestSplitTextCutsAtTheBestPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in    string
		limit int
		want  []string
	}{
		"empty":                 {"", 5, nil},
		"fits":                  {"hello", 5, []string{"hello"}},
		"hard cut":              {"abcdefgh", 3, []string{"abc", "def", "gh"}},
		"at a space":            {"one two three", 8, []string{"one two ", "three"}},
		"line before space":     {"one two\nthree four", 14, []string{"one two\n", "three four"}},
		"early space is no use": {"a bcdefghij", 8, []string{"a bcdefg", "hij"}},
		"counts characters":     {"éééé", 2, []string{"éé", "éé"}},
		"keeps CR LF":           {"abcd\r\nefgh", 5, []string{"abcd", "\r\nefg", "h"}},
		"keeps an accent":       {"abce\u0301f", 4, []string{"abc", "e\u0301f"}},
		"keeps an emoji":        {"abc👩\u200d🌾d", 5, []string{"abc", "👩\u200d🌾d"}},
		"keeps a skin tone":     {"abc👋🏽d", 4, []string{"abc", "👋🏽d"}},
		"tears if it must":      {"e\u0301\u0301\u0301", 2, []string{"e\u0301", "\u0301\u0301"}},
		"one":                   {"a b", 1, []string{"a", " ", "b"}},
		"one, CR LF":            {"\r\n", 1, []string{"\r", "\n"}},
		"no limit":              {strings.Repeat("x", 2000+1), 0, []string{strings.Repeat("x", 2000), "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, om.SplitText(c.in, c.limit))
		})
	}
}

func TestSplitTextLosesNothing(t *testing.T) {
	t.Parallel()
	r := seeded(3)
	alphabet := []string{"a", "é", " ", "\n", "\r\n", "\u0301", "👩", "\u200d", "🏽", "\xff", "\xf0\x9f", "\u2003", "word "}
	for range 3000 {
		var b strings.Builder
		for range r.IntN(40) {
			b.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		checkSplit(t, b.String(), 1+r.IntN(12))
	}
}

func checkSplit(t *testing.T, s string, limit int) {
	t.Helper()
	parts := om.SplitText(s, limit)
	require.Equal(t, s, strings.Join(parts, ""))
	for _, p := range parts {
		require.NotEmpty(t, p)
		if limit > 0 {
			require.LessOrEqual(t, utf8.RuneCountInString(p), limit)
		}
		if utf8.ValidString(s) {
			require.True(t, utf8.ValidString(p))
		}
	}
}
