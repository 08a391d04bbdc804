package handover

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the next release may mean by words of its own is not guessed; what only travels through is passed on.
func TestUnknownWords(t *testing.T) {
	t.Parallel()
	f := fullFile()
	for name, test := range map[string]struct {
		old, now string
		read     bool
	}{
		"state":                {`"state":"connected","con`, `"state":"supervised","con`, false},
		"state of the next":    {`"state":"requested"`, `"state":"supervised"`, false},
		"kind to Genesys":      {`"kind":"left"`, `"kind":"cobrowse"`, false},
		"kind to the host":     {`"kind":"return"`, `"kind":"survey"`, false},
		"kind in another lane": {`"kind":"left"`, `"kind":"notice"`, false},
		"kind without content": {`"kind":"open"`, `"kind":"message"`, false},
		"routing":              {`"routing":"flow"`, `"routing":"skill"`, false},
		"end reason":           {`"reason":"bot"`, `"reason":"survey"`, true},
		"notice":               {`"kind":"queued"`, `"kind":"surveyed"`, true},
		"phase in doubt":       {`"phase":"ended"`, `"phase":"monitored"`, true},
		"origin":               {`"origin":"Human"`, `"origin":"Copilot"`, true},
		"status of a receipt":  {`"status":"Failed"`, `"status":"Read"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := decode(newer(t, f, test.old, test.now))
			if !test.read {
				require.ErrorIs(t, err, errUnreadable)
				require.NotContains(t, err.Error(), "supervised")
				return
			}
			require.NoError(t, err)
			require.NotEqual(t, plain(t, f), strings.Replace(plain(t, g), `"format":2`, `"format":1`, 1))
		})
	}
	g := fileIn(StateBot)
	g.Said.remember("m1", missed+1, noon())
	_, err := decode(newer(t, g))
	require.ErrorIs(t, err, errUnreadable, "a verdict of the next release")
	g.Said = g.Said[1:]
	_, err = decode(newer(t, g))
	require.ErrorIs(t, err, errUnreadable, "a memory that is cut")
}

func TestRecordsOfNoCustomerAreNotRead(t *testing.T) {
	t.Parallel()
	r, err := lined("a").encode(Key{Customer: "\x01socket/0123"}, 1)
	require.NoError(t, err)
	_, err = decode(r)
	require.ErrorIs(t, err, errUnreadable)
}

func FuzzCarry(f *testing.F) {
	r := newer(f, fullFile())
	f.Add(r.Data, byte(1))
	marked, _ := mark(r.Data, always)
	f.Add(marked, byte(7))
	f.Add([]byte(`{"format":2,"now":{"state":"queued","zz":[]},"NOW":{"agent":{"id":"x","a":1}},"out":{"zz":{}},"past":[null,{"zz":1}]}`), byte(3))
	f.Add([]byte(`{"format":2,"in":{"entries":[{"kind":"delivery","delivery":{"zz":1,"message":{"content":[{"zz":2}]}}}]},"next":null}`), byte(15))
	f.Fuzz(func(t *testing.T, data []byte, change byte) {
		a, err := decode(Record{Data: data})
		if err != nil {
			require.ErrorIs(t, err, errUnreadable)
			return
		}
		alter(a, change)
		r, err := a.encode(recordKey(), 7)
		if err != nil {
			require.ErrorIs(t, err, ErrBacklog)
			return
		}
		b, err := decode(r)
		require.NoError(t, err, "%s", r.Data)
		require.Equal(t, a.Format, b.Format)
		known, err := decode(Record{Data: []byte(plain(t, a))})
		require.NoError(t, err)
		require.Equal(t, plain(t, known), plain(t, b), "nothing known is lost")
		again, err := b.encode(recordKey(), 7)
		require.NoError(t, err)
		require.JSONEq(t, string(r.Data), string(again.Data), "and what is carried is carried on")
	})
}

// alter changes lists where they shift.
func alter(f *file, how byte) {
	if how&1 != 0 && len(f.Out.Entries) > 0 {
		f.Out.remove(0)
	}
	if how&2 != 0 && len(f.In.Entries) > 0 {
		f.In.remove(0)
	}
	if how&4 != 0 && len(f.Past) > 0 {
		f.Past = f.Past[1:]
	}
	if how&8 != 0 {
		f.Held = append([]held{{Unanswered: Unanswered{Message: Text("new", "new")}, Seq: f.next()}}, f.Held...)
	}
	f.note(noon().Add(time.Second), "altered", "")
}
