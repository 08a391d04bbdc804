package handover

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// newer is a record as the next release might write it: fields this release does not know are put in with replacements.
func newer(tb testing.TB, f *file, replace ...string) Record {
	tb.Helper()
	r, err := f.encode(recordKey(), 7)
	require.NoError(tb, err)
	text := strings.Replace(string(r.Data), `"format":1`, `"format":2`, 1)
	for pair := range slices.Chunk(replace, 2) {
		require.Contains(tb, text, pair[0])
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	require.True(tb, json.Valid([]byte(text)), text)
	r.Data = []byte(text)
	return r
}

// rewritten is what this release makes of a record when it changes it.
func rewritten(tb testing.TB, r Record, change func(*edit)) string {
	tb.Helper()
	f, err := decode(r)
	require.NoError(tb, err)
	e := newEdit(f)
	change(e)
	again, err := e.encode(r.Key, r.Revision+1)
	require.NoError(tb, err)
	g, err := decode(again)
	require.NoError(tb, err)
	require.Equal(tb, 2, g.Format, "it stays the newer release's")
	f.baggage, g.baggage = nil, nil
	require.Equal(tb, plain(tb, f), plain(tb, g), "what this release knows is as it left it")
	return string(again.Data)
}

// plain is a file without what it carries along.
func plain(tb testing.TB, f *file) string {
	tb.Helper()
	c := *f
	c.baggage = nil
	r, err := c.encode(recordKey(), 7)
	require.NoError(tb, err)
	return string(r.Data)
}

func saying(seq uint64, id string) entry {
	m := Text(id, "words "+id)
	return entry{Seq: seq, Kind: kindMessage, Handover: "abcdefghijk2", At: noon(), HostID: id, Wire: noon(), Message: &m}
}

func lined(ids ...string) *file {
	f := fileIn(StateConnected)
	for _, id := range ids {
		f.Out.push(saying(f.next(), id))
	}
	return f
}

func TestUnknownFieldsSurviveAtAnyDepth(t *testing.T) {
	t.Parallel()
	f := fullFile()
	r := newer(t, f)
	marked, spots := mark(r.Data, always)
	r.Data = marked
	require.Greater(t, len(spots), 50)
	out := rewritten(t, r, func(e *edit) { e.note(e.now, "changed", "") })
	for _, token := range spots {
		require.Contains(t, out, token)
	}
}

func TestUnknownFieldsOfListsGoWithTheirElement(t *testing.T) {
	t.Parallel()
	r := newer(t, lined("a", "b", "c"),
		`"seq":1,"kind"`, `"seq":1,"zz":"entry a","kind"`, `"seq":2,"kind"`, `"seq":2,"zz":"entry b","kind"`,
		`"id":"b",`, `"id":"b","zz":"message b",`, `"seq":3,"kind"`, `"seq":3,"zz":"entry c","kind"`)
	out := rewritten(t, r, func(e *edit) { e.Out.remove(0) })
	require.NotContains(t, out, "entry a", "it goes with its entry")
	for _, token := range []string{`"seq":2,"size":`, `"zz":"entry b"`, `"zz":"message b"`, `"zz":"entry c"`} {
		require.Contains(t, out, token)
	}
	out = rewritten(t, r, func(e *edit) { e.Out.insert(0, saying(9, "new")) })
	spots := spotsOf(t, []byte(out))
	for seq, want := range map[int]any{9: nil, 1: "entry a", 2: "entry b", 3: "entry c"} {
		require.Equal(t, want, spots[fmt.Sprintf("/out/entries[%d]", seq)]["zz"], seq)
	}
}

// A message moves from its lane to the tail and on into the Return, and so does what the next release says of it.
func TestUnknownFieldsOfAMessageMoveWithIt(t *testing.T) {
	t.Parallel()
	f := lined("a", "b")
	f.Out.Entries[0].Message.Attachments = []openmessaging.Attachment{{URL: "https://example.com/1"}, {URL: "https://example.com/2"}}
	r := newer(t, f, `"id":"a",`, `"id":"a","zz":"message a",`, `"url":"https://example.com/2"`, `"url":"https://example.com/2","zz":"second"`)
	out := rewritten(t, r, func(e *edit) {
		x := e.Out.remove(0)
		e.Tail = append(e.Tail, sent{Message: *x.Message, Handover: x.Handover, Seq: x.Seq, At: e.now})
	})
	require.Contains(t, out, `"tail":[{"at"`)
	require.Contains(t, out, `"zz":"message a"`)
	require.Contains(t, out, `"url":"https://example.com/2","zz":"second"`)
	out = rewritten(t, Record{Key: r.Key, Revision: 8, Data: []byte(out)}, func(e *edit) {
		e.hold(Unanswered{Message: e.Tail[0].Message, Sent: true}, e.Tail[0].Seq)
		e.Tail = nil
		e.giveBack(e.Now, e.now)
	})
	require.Contains(t, out, `"back":[{"attachments"`)
	require.Contains(t, out, `"zz":"message a"`)
	require.Contains(t, out, `"zz":"second"`)
}

func TestUnknownFieldsOfAHandoverMoveWithIt(t *testing.T) {
	t.Parallel()
	f := fileIn(StateEnded)
	f.Now.HandedBack = true
	next := coreIn(StateRequested)
	next.ID, next.Request, next.ConversationID = "bcdefghijkl3", "again", ""
	f.Next = &plan{Core: next, Opening: &opening{Texts: []string{"hello"}}}
	r := newer(t, f, `"id":"abcdefghijk2",`, `"id":"abcdefghijk2","zz":"first",`, `"id":"bcdefghijkl3",`, `"id":"bcdefghijkl3","zz":"second",`,
		`"texts":["hello"]`, `"texts":["hello"],"zz":"opening"`, `"next":{`, `"next":{"zz":"plan",`)
	out := rewritten(t, r, (*edit).tidy)
	spots := spotsOf(t, []byte(out))
	require.Equal(t, "second", spots["/now#bcdefghijkl3"]["zz"])
	require.Equal(t, "first", spots["/past[abcdefghijk2]/session"]["zz"])
	require.Equal(t, "opening", spots["/out/entries[2]/opening"]["zz"])
	require.NotContains(t, out, "plan", "there is none any more")
}

// What belongs to a lease, to an agent or to a handover does not pass to the next one.
func TestUnknownFieldsDoNotPassToWhatFollows(t *testing.T) {
	t.Parallel()
	f := lined("a")
	f.Out.Lease = lease{Owner: "replica", N: 1, Seq: 1, Until: noon()}
	r := newer(t, f, `"owner":"replica",`, `"owner":"replica","zz":"lease",`, `"agent":{`, `"agent":{"zz":"agent",`)
	keep := rewritten(t, r, func(e *edit) { e.Leases++ })
	require.Contains(t, keep, `"zz":"lease"`)
	require.Contains(t, keep, `"zz":"agent"`)
	out := rewritten(t, r, func(e *edit) {
		e.Out.Lease.N++
		e.Now.Agent = Agent{ID: "b2", Name: "Bea"}
	})
	require.NotContains(t, out, "zz")
	out = rewritten(t, r, func(e *edit) { e.Out.Lease, e.Now.Agent = lease{}, Agent{} })
	require.NotContains(t, out, "zz")
	require.NotContains(t, out, `"lease"`)
}

// A lane is always there, also when all we know of it is zero and so not written.
func TestUnknownFieldsOfAnEmptyLaneSurvive(t *testing.T) {
	t.Parallel()
	r := newer(t, lined("a"), `"out":{`, `"control":{"weight":12},"out":{"weight":11,`)
	out := rewritten(t, r, func(e *edit) { e.Out.remove(0) })
	require.Contains(t, out, `"out":{"weight":11}`)
	require.Contains(t, out, `"control":{"weight":12}`)
	require.NotContains(t, out, `"in"`)
}

// A value with JSON methods of its own drops what it does not know: unchanged, it is kept whole.
func TestForeignValuesAreKeptWhole(t *testing.T) {
	t.Parallel()
	f := fileIn(StateConnected)
	f.In.push(entry{Seq: 1, Kind: kindDelivery, At: noon(), Delivery: &delivery{ID: "d", Message: openmessaging.Message{
		Content: openmessaging.Contents{openmessaging.Attachment{URL: "https://example.com/a.png"}},
	}}})
	r := newer(t, f, `"url":"https://example.com/a.png"`, `"url":"https://example.com/a.png","zz":"content"`)
	out := rewritten(t, r, func(e *edit) { e.In.Entries[0].Attempts++ })
	require.Contains(t, out, `"zz":"content"`)
	out = rewritten(t, r, func(e *edit) { e.In.Entries[0].Delivery.Message.Content = nil })
	require.NotContains(t, out, "zz")
}

func TestUnknownValuesAreKeptToTheByte(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`9007199254740993`, `18446744073709551616`, `-0.10000000000000000000000000000001`, `1e400`, `null`, `[1.0,{"seq":3.00}]`,
		`"\ud800"`, `"\u0000"`, `"Zoë 🙂"`, `{"seq":1,"entries":[],"zz":{"zz":0}}`, `""`, `false`,
	} {
		r := newer(t, lined("a"), `"seq":1,"kind"`, `"seq":1,"zz":`+value+`,"kind"`, `"now":{`, `"zz":`+value+`,"now":{"zz":`+value+`,`)
		out := rewritten(t, r, func(e *edit) { e.next() })
		require.Equal(t, 3, strings.Count(out, `"zz":`+value), value)
	}
}

// A record of our own format holds nothing unknown, so nothing is looked for.
func TestOurOwnFormatCarriesNothing(t *testing.T) {
	t.Parallel()
	f, err := decode(newer(t, lined("a")))
	require.NoError(t, err)
	require.NotNil(t, f.baggage)
	require.Nil(t, copied(t, lined("a")).baggage)
}

// The same name in another case is the same field for encoding/json: what was read is written once.
func TestNamesInAnotherCaseAreKnown(t *testing.T) {
	t.Parallel()
	r := Record{Key: recordKey(), Data: []byte(`{"format":2,"SEQ":7,"touched":"2026-11-22T12:00:00Z","zz":1}`)}
	out := rewritten(t, r, func(e *edit) { e.next() })
	require.NotContains(t, out, "SEQ")
	require.Contains(t, out, `"seq":8`)
}
