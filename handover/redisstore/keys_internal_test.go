package redisstore

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Members have the order of keys, differ for different keys, and are only in the range of their
// channel.
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

// inRange reports whether Redis finds a member in the range of a channel.
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

// Entries have the order of Due and contain their member.
func TestEntries(t *testing.T) {
	t.Parallel()
	entry := func(at int64, k handover.Key) string {
		from, _, ok, err := dueRange(handover.DueQuery{
			Now: time.UnixMicro(1 << 60), Limit: 1, After: handover.DueCursor{WakeAt: time.UnixMicro(at), Key: k},
		})
		require.NoError(t, err)
		require.True(t, ok)
		return strings.TrimPrefix(from, "(")
	}
	var want, got []string
	for _, at := range []int64{1, 9, 10, 1 << 53, 1<<53 + 1, 1 << 60} {
		for _, k := range []handover.Key{{Customer: "z"}, {Channel: "a", Customer: "b"}, {Channel: "a", Customer: "c"}, {Channel: "ab", Customer: "a"}} {
			want = append(want, entry(at, k))
			m, err := memberOf(entry(at, k))
			require.NoError(t, err)
			back, err := keyOf(m)
			require.NoError(t, err)
			require.Equal(t, k, back)
		}
	}
	got = slices.Clone(want)
	slices.Sort(got)
	require.Equal(t, want, got)
	_, to, _, err := dueRange(handover.DueQuery{Now: time.UnixMicro(9), Limit: 1})
	require.NoError(t, err)
	require.Less(t, entry(9, handover.Key{Channel: "\U0010ffff", Customer: "\U0010ffff"}), strings.TrimPrefix(to, "["))
	require.Greater(t, entry(10, handover.Key{Customer: " "}), strings.TrimPrefix(to, "["))
	_, _, _, err = dueRange(handover.DueQuery{
		Now: time.UnixMicro(9), Limit: 1, After: handover.DueCursor{WakeAt: time.UnixMicro(1), Key: handover.Key{Channel: "\x00"}},
	})
	require.ErrorContains(t, err, "redisstore: due: DueQuery.After: redisstore: Key.Channel contains a NUL")
}

func FuzzMemberOf(f *testing.F) {
	f.Add("0000000000000000001\x00shop\x00c")
	f.Add("0000000000000000001")
	f.Add("short")
	f.Fuzz(func(t *testing.T, entry string) {
		m, err := memberOf(entry)
		if err != nil {
			require.ErrorIs(t, err, errForeign)
			return
		}
		require.Equal(t, entry, entry[:wakeDigits]+separator+m)
	})
}

// The hash tag of a key is its first part in braces: it must be the prefix.
func TestOneHashTag(t *testing.T) {
	t.Parallel()
	k := keysOf("shop")
	m, err := member(handover.Key{Channel: "{other}", Customer: "}{"})
	require.NoError(t, err)
	for _, key := range []string{k.record(m), k.all, k.due, k.dueOf("{a}"), k.conversations, k.fence} {
		require.True(t, strings.HasPrefix(key, "{shop}:"), key)
	}
	all := []string{k.records, k.all, k.due, k.dueOf("a"), k.conversations, k.fence}
	slices.Sort(all)
	require.Len(t, slices.Compact(all), 6)
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
