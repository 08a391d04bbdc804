package torture

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// at is a time in an invented run.
func at(seconds float64) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// lined returns lines 0, 1, 2 … of customer c, written and accepted by replica a a second apart.
func lined(texts ...string) []line {
	var list []line
	for i, text := range texts {
		list = append(list, line{text: text, customer: "c", n: i, began: at(float64(i)), accepted: at(float64(i) + 0.1), by: "a"})
	}
	return list
}

// came returns an arrival under the line's usual id.
func came(text string, seconds float64, by string) arrival {
	return arrival{text: text, id: "id of " + text, at: at(seconds), by: by}
}

// straight returns a direction in which every attempt arrived.
func straight(lines []line, arrivals ...arrival) direction {
	return direction{lines: lines, attempts: arrivals, arrivals: arrivals}
}

func TestCount(t *testing.T) {
	t.Parallel()
	again := came("m0", 9, "b")
	again.id = "another id"
	flagged := came("m0", 3, "a")
	flagged.stray = true
	refused := lined("m0")
	refused[0].accepted, refused[0].by = time.Time{}, ""
	for name, c := range map[string]struct {
		in   direction
		died map[string]time.Time
		want counts
	}{
		"all is well": {
			in:   straight(lined("m0", "m1"), came("m0", 1, "a"), came("m1", 2, "a")),
			want: counts{sent: 2, arrived: 2},
		},
		"accepted and gone": {
			in:   straight(lined("m0", "m1"), came("m1", 2, "a")),
			want: counts{sent: 2, arrived: 1, lost: 1},
		},
		"back to the bot is not lost": {
			in:   direction{lines: lined("m0"), backs: []arrival{came("m0", 2, "a")}},
			want: counts{sent: 1, handedBack: 1},
		},
		"back to the bot although it arrived": {
			in: direction{
				lines: lined("m0"), attempts: []arrival{came("m0", 1, "a")}, arrivals: []arrival{came("m0", 1, "a")},
				backs: []arrival{came("m0", 2, "a")},
			},
			want: counts{sent: 1, arrived: 1},
		},
		"never accepted is not lost": {
			in:   direction{lines: refused},
			want: counts{notAccepted: 1},
		},
		"arrived, and the acceptance got lost": {
			in:   straight(refused, came("m0", 1, "a")),
			want: counts{sent: 1, arrived: 1},
		},
		"repeated under the same id": {
			in:   straight(lined("m0"), came("m0", 1, "a"), came("m0", 9, "b"), came("m0", 10, "b")),
			want: counts{sent: 1, arrived: 1, sameID: 2},
		},
		"repeated under a new id": {
			in:   straight(lined("m0"), came("m0", 1, "a"), again),
			want: counts{sent: 1, arrived: 1, newID: 1},
		},
		"an opening under two ids, although it is no line": {
			in:   straight(nil, came("m0", 1, "a"), again),
			want: counts{newID: 1},
		},
		"handed back twice": {
			in:   direction{lines: lined("m0"), backs: []arrival{came("m0", 2, "a"), again}},
			want: counts{sent: 1, handedBack: 1, newID: 1},
		},
		"overtaken": {
			in:   straight(lined("m0", "m1", "m2"), came("m1", 1, "a"), came("m2", 2, "a"), came("m0", 3, "a")),
			want: counts{sent: 3, arrived: 3, reordered: 1},
		},
		"overtaken, and flagged": {
			in:   straight(lined("m0", "m1"), came("m1", 1, "a"), flagged),
			want: counts{sent: 2, arrived: 2, stray: 1},
		},
		"a repeat may arrive late": {
			in:   straight(lined("m0", "m1"), came("m0", 1, "a"), came("m1", 2, "a"), came("m0", 20, "b")),
			want: counts{sent: 2, arrived: 2, sameID: 1},
		},
		"a repeat of an attempt without effect may arrive late": {
			in: direction{
				lines:    lined("m0", "m1"),
				attempts: []arrival{came("m0", 1, "a"), came("m1", 2, "b"), came("m0", 20, "b")},
				arrivals: []arrival{came("m1", 2, "b"), came("m0", 20, "b")},
			},
			want: counts{sent: 2, arrived: 2},
		},
		"another customer's line is no overtaking": {
			in: straight(
				[]line{{text: "x", customer: "d", n: 5, accepted: at(0)}, {text: "y", customer: "e", n: 0, accepted: at(0)}},
				came("x", 1, "a"), came("y", 2, "a"),
			),
			want: counts{sent: 2, arrived: 2},
		},
		"an attempt ended unseen: the messages of the customer waited": {
			in:   straight(lined("m0", "m1"), came("m1", 18, "b"), came("m0", 19, "b")),
			died: map[string]time.Time{"a": at(1)},
			want: counts{sent: 2, arrived: 2, interrupted: 1, takeovers: 1},
		},
		"the same, and it died before it answered that it had accepted": {
			in: straight(
				[]line{{text: "m0", customer: "c", n: 0, began: at(0), accepted: at(3), by: "b"}, lined("m0", "m1")[1]},
				came("m1", 18, "b"), came("m0", 19, "b"),
			),
			died: map[string]time.Time{"a": at(0.5)},
			want: counts{sent: 2, arrived: 2, interrupted: 1},
		},
		"overtaken after a kill before it was written": {
			in:   straight(lined("m0", "m1"), came("m1", 18, "b"), came("m0", 19, "b")),
			died: map[string]time.Time{"x": at(-1)},
			want: counts{sent: 2, arrived: 2, reordered: 1},
		},
		"overtaken near a kill: messages of the customer went on": {
			in:   straight(lined("m0", "m1"), came("m1", 5, "b"), came("m0", 19, "b")),
			died: map[string]time.Time{"a": at(1)},
			want: counts{sent: 2, arrived: 2, reordered: 1, takeovers: 1},
		},
		"all lines of a customer backwards after a kill: one was being sent": {
			in:   straight(lined("m0", "m1", "m2", "m3"), came("m3", 20, "b"), came("m2", 21, "b"), came("m1", 22, "b"), came("m0", 23, "b")),
			died: map[string]time.Time{"x": at(4)},
			want: counts{sent: 4, arrived: 4, interrupted: 1, reordered: 2},
		},
		"accepted by the dead, sent by another": {
			in:   straight(lined("m0"), came("m0", 18, "b")),
			died: map[string]time.Time{"a": at(1)},
			want: counts{sent: 1, arrived: 1, takeovers: 1},
		},
		"sent by the dead, and again by another": {
			in:   straight(lined("m0"), came("m0", 0.5, "c"), came("m0", 18, "b")),
			died: map[string]time.Time{"c": at(1)},
			want: counts{sent: 1, arrived: 1, sameID: 1, takeovers: 1},
		},
		"sent by another while the first lived": {
			in:   straight(lined("m0"), came("m0", 1, "b")),
			died: map[string]time.Time{"a": at(2)},
			want: counts{sent: 1, arrived: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.in.count(c.died)
			require.Len(t, got.times, c.want.arrived)
			got.times = nil
			require.Equal(t, c.want, got)
		})
	}
}

func TestTimesRunFromTheFirstTryToTheFirstArrival(t *testing.T) {
	t.Parallel()
	c := straight(lined("m0"), came("m0", 2, "a"), came("m0", 9, "a")).count(nil)
	require.Equal(t, []time.Duration{2 * time.Second}, c.times)
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	require.Zero(t, percentile(nil, 99))
	require.Equal(t, time.Second, percentile([]time.Duration{time.Second}, 50))
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(200-i))
	}
	require.Equal(t, time.Duration(100), percentile(times, 50))
	require.Equal(t, time.Duration(198), percentile(times, 99))
}
