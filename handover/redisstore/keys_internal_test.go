package redisstore

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Members keep the order of keys, are never the same for two keys, and are found by the range of their channel only.
func TestMembers(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same keys each time
	part := func() string {
		alphabet := []string{"\x01", " ", "a", "b", ":", "{", "}", "é", "🙂", "\U0010ffff"}
		var b strings.Builder
		for range random.IntN(4) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	for range 20_000 {
		a, b := handover.Key{Channel: part(), Customer: part()}, handover.Key{Channel: part(), Customer: part()}
		ma, err := member(a)
		require.NoError(t, err)
		mb, err := member(b)
		require.NoError(t, err)
		want := cmp.Or(strings.Compare(a.Channel, b.Channel), strings.Compare(a.Customer, b.Customer))
		require.Equal(t, want, strings.Compare(ma, mb), "%q %q", a, b)
		if a.Channel != "" {
			require.Equal(t, a.Channel == b.Channel, inRange(mb, a.Channel), "%q in the range of %q", b, a.Channel)
		}
		require.True(t, inRange(mb, ""), "%q", b)
	}
}

// inRange does what Redis does with the range of a channel.
func inRange(member, channel string) bool {
	from, to := lexRange(channel)
	if from == "-" && to == "+" {
		return true
	}
	return member >= strings.TrimPrefix(from, "[") && member < strings.TrimPrefix(to, "(")
}

func FuzzMember(f *testing.F) {
	f.Add("shop", "Zoë")
	f.Add("", "\x01socket/0123")
	f.Add("a\x00b", "c")
	f.Add("a", "b\x00c")
	f.Add("{x}", "\xff")
	f.Fuzz(func(t *testing.T, channel, customer string) {
		k := handover.Key{Channel: channel, Customer: customer}
		m, err := member(k)
		if strings.Contains(channel, separator) {
			require.ErrorContains(t, err, "Key.Channel contains a NUL")
			return
		}
		require.NoError(t, err)
		back, err := keyOf(m)
		require.NoError(t, err)
		require.Equal(t, k, back)
	})
}

func TestForeignMember(t *testing.T) {
	t.Parallel()
	_, err := keyOf("no separator")
	require.ErrorContains(t, err, "something else writes under the prefix")
}

// The hash tag is the first part in braces: it must be the prefix for every key.
func TestOneHashTag(t *testing.T) {
	t.Parallel()
	k := keysOf("shop")
	m, err := member(handover.Key{Channel: "{other}", Customer: "}{"})
	require.NoError(t, err)
	for _, key := range []string{k.record(m), k.all, k.wake, k.conversations, k.fence} {
		require.True(t, strings.HasPrefix(key, "{shop}:"), key)
	}
	all := []string{k.records, k.all, k.wake, k.conversations, k.fence}
	slices.Sort(all)
	require.Len(t, slices.Compact(all), 5)
}

func TestParseDamagedRecord(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]any{
		"revision": {"one", "", "0", "", nil},
		"negative": {"-1", "", "0", "", nil},
		"large":    {"9223372036854775808", "", "0", "", nil},
		"wake":     {"1", "", "soon", "", nil},
		"absent":   {"1", nil, nil, nil, nil},
	} {
		_, _, err := parse("\x00c", values)
		require.ErrorContains(t, err, "damaged", name)
	}
	_, _, err := parse("\x00c", []any{nil, nil, nil, nil, nil})
	require.ErrorIs(t, err, handover.ErrNotFound)
	r, unsure, err := parse("\x00c", []any{"9223372036854775807", "", "-1", "d", "9223372036854775807"})
	require.NoError(t, err)
	require.True(t, unsure)
	require.EqualValues(t, 9223372036854775807, r.Revision)
	require.EqualValues(t, -1, r.WakeAt.UnixMicro())
	_, unsure, err = parse("\x00c", []any{"2", "", "0", "d", "1"})
	require.NoError(t, err)
	require.False(t, unsure, "the mark of another revision")
}
