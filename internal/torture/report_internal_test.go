package torture

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReportSumsBothDirections(t *testing.T) {
	t.Parallel()
	f := facts{
		toGenesys: straight(lined("m0", "m1"), came("m0", 1, "a"), came("m0", 2, "a")),
		toHost:    straight(lined("a0", "a1"), came("a1", 3, "a"), came("a0", 4, "a")),
		died:      map[string]time.Time{"x": at(100)},
		sessions:  map[string]bool{"s1": true, "s2": true},
		returned:  map[string]bool{"s1": true},
	}
	r := newReport(options{store: "memory", seed: 7}, f, 90*time.Second)
	require.Equal(t, 4, r.Sent)
	require.Equal(t, 3, r.Delivered)
	require.Equal(t, 1, r.Lost)
	require.Equal(t, 1, r.Reordered)
	require.Equal(t, 1, r.DuplicatesSameID)
	require.Equal(t, 0, r.DuplicatesNewID)
	require.Equal(t, 1, r.Kills)
	require.Equal(t, 1, r.Unreturned)
	require.Equal(t, int64(2000), r.P50)
	require.Equal(t, int64(4000), r.P99)

	var screen, result bytes.Buffer
	require.NoError(t, r.write(&screen, &result))
	require.Equal(t, 1, strings.Count(result.String(), "\n"), "one line")
	var again report
	require.NoError(t, json.Unmarshal(result.Bytes(), &again))
	require.Equal(t, r, again)
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	require.NoError(t, report{DuplicatesSameID: 3, Takeovers: 4}.verdict())
	for want, r := range map[string]report{
		"1 accepted messages were lost":                           {Lost: 1},
		"2 messages arrived in the wrong order":                   {Reordered: 2},
		"3 messages arrived again under a new id":                 {DuplicatesNewID: 3},
		"4 handovers never returned to the bot":                   {Unreturned: 4},
		"no replica accepted any of the 5 messages of the agents": {ToHost: way{NotAccepted: 5}},
		"replica 1.1 ended by itself: exit status 2":              {Problems: []string{"replica 1.1 ended by itself: exit status 2"}},
	} {
		require.EqualError(t, r.verdict(), want)
	}
}

func TestExplainNamesFailures(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := straight(lined("m0", "m1", "m2", "m3"), came("m1", 1, "a"), came("m0", 2, "a"), came("m2", 3, "a"))
	d.explain(&out, at(0), nil)
	require.Contains(t, out.String(), `"m0" was first tried behind number 1:`)
	require.Contains(t, out.String(), `"m3" lost:`)
	require.NotContains(t, out.String(), `"m2" was`)
	out.Reset()
	straight(lined("m0"), came("m0", 1, "a")).explain(&out, at(0), nil)
	require.Empty(t, out.String())
}

func TestFlags(t *testing.T) {
	t.Parallel()
	o, err := parse(nil, io.Discard, several())
	require.NoError(t, err)
	require.Equal(t, 30*time.Second, o.writing)
	o, err = parse([]string{"-kills", "20"}, io.Discard, several())
	require.NoError(t, err)
	require.Equal(t, time.Minute, o.writing)
	for arg, want := range map[string]string{
		"-store=mysql":    "-store must be memory, postgres or redis",
		"-store=redis":    "-dsn is required",
		"-replicas=0":     "-replicas must be",
		"-customers=0":    "-customers must be",
		"-messages=-1":    "-messages must be",
		"-kills=-1":       "-kills must be",
		"-slow=1h":        "-slow must be",
		"-for=-1s":        "-for must not",
		"sqlite":          "unexpected argument",
		"-no-such-flag=1": "not defined",
	} {
		_, err := parse([]string{arg}, io.Discard, several())
		require.ErrorContains(t, err, want, arg)
	}
}
