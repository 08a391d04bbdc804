package record

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

func recordKey() machine.Key { return machine.Key{Channel: "shop", Customer: "customer"} }

// fullRecord has something in every field.
func fullRecord() *Record {
	f := recordIn(machine.StateConnected)
	c := f.Handover
	c.Resumed, c.Routing, c.Blind, c.LeftSent, c.HandedBack, c.Returned, c.Poll = true, machine.RouteByFlow, true, true, true, true, true
	c.Ending = machine.Ending{Reason: machine.EndByBot, Time: noon(), Code: machine.CodeQueue, Detail: "detail"}
	c.Unconfirmed = machine.Unconfirmed{Phase: genesys.PhaseEnded, At: noon()}
	c.GoneSince, c.MovedTo, c.MovedAt, c.EndRequestedAt, c.Disconnects, c.DisconnectedAt = noon(), "other", noon(), noon(), 1, noon()
	c.CustomerAt, c.AgentAt, c.WarnedAt, c.ReadAt, c.PollAt, c.PollEvery = noon(), noon(), noon(), noon(), noon(), time.Second
	c.AgentWrote, c.EndSignalledAt = noon(), noon()
	c.Refusals, c.SignalledAt, c.WaitingSince, c.AnsweredUntil, c.AgentRequestedAt = 2, noon(), noon(), noon(), noon()
	f.Seq, f.Leases, f.WireTime, f.Forget, f.Given = 9, 8, noon(), noon(), noon()
	f.Past = []past{{Session: machinetest.HandoverIn(machine.StateEnded).Session, From: "customer"}}
	f.Out.Push(Entry{
		Seq: 1, Kind: KindOpen, Handover: c.ID, At: noon(), NotBefore: noon(), First: noon(), Attempts: 1, HostID: "request", Wire: noon(),
		Done: 1, Unsure: true, Opening: &Opening{Texts: []string{"hello", "there"}, Attributes: map[string]string{"a": "b"}},
	})
	reply := Message{ID: "2", Reply: &openmessaging.Reply{
		From: openmessaging.Customer{IDType: openmessaging.IDOpaque}, InReplyTo: "1", Kind: openmessaging.ReplyButton, Text: "Yes", Payload: "yes",
	}}
	f.Out.Push(Entry{Seq: 3, Kind: kindLeft, At: noon(), Text: "left"})
	f.Out.Lease, f.Out.NotBefore, f.Out.Failures = Lease{Owner: "replica", N: 8, Until: noon()}, noon(), 2
	picture := openmessaging.Message{Text: "look", Content: openmessaging.Contents{openmessaging.Attachment{URL: "https://example.com/a.png"}}}
	f.In.Push(Entry{Seq: 4, Kind: KindDelivery, At: noon(), Delivery: &Delivery{
		ID: "d", Message: picture, Origin: openmessaging.OriginHuman, Time: noon(), From: "customer", Late: true, OutOfOrder: true,
		Verdict: &VerdictOf{Status: openmessaging.StatusFailed, Code: openmessaging.ReasonGeneralError, Silent: true},
	}})
	f.In.Push(Entry{Seq: 5, Kind: KindNotice, At: noon(), Notice: &Notice{
		Kind: machine.NoticeQueued, Session: c.Session, Time: noon(), Wait: new(time.Minute), MessageID: "m", Agent: machinetest.Anna(),
		From: "agents", To: "billing", Detail: "detail", Permission: "permission",
	}})
	f.In.Push(Entry{Seq: 6, Kind: KindReturn, At: noon(), Session: &machine.Session{ID: c.ID}, Later: true, Unsure: true})
	f.Control.NotBefore, f.Control.Failures = noon(), 3
	f.Words = []Word{
		{Seq: 2, ID: "2", Message: &reply, At: noon(), Wire: noon(), State: WordUnsure, Size: 1, Handover: c.ID, Again: true, Attempts: 1, First: noon()},
		{Seq: 3, ID: "3", Message: new(Message{ID: "3", Text: "words"}), At: noon(), Wire: noon(), State: wordSent, Size: 1, SentAt: noon(), Return: 6, Done: 1},
		{Seq: 7, ID: "7", At: noon(), Wire: noon(), State: wordSent, SentAt: noon(), Handover: c.ID, Conversation: "conversation", Done: 1},
		{Seq: 8, ID: "8", Message: new(Message{ID: "8", Text: "words"}), At: noon(), Wire: noon(), State: wordSent, Size: 1, SentAt: noon(), Handover: c.ID, Unplaced: true},
		{Seq: 9, ID: "9", Message: new(Message{ID: "9", Text: "words"}), At: noon(), Wire: noon(), State: wordRefused, Size: 1, Reason: "reason"},
	}
	f.Sent = []sentID{{Platform: "p", Host: "h"}}
	f.ReceivedIDs.Remember("a", ReceivedID, noon())
	f.ForwardedIDs.Remember("b", forwardedID, noon())
	f.Requests = []requestID{{Hash: 1 << 63, Handover: c.ID}}
	f.Receipts = []Receipt{{ID: "r", Status: openmessaging.StatusFailed, Code: openmessaging.ReasonGeneralError, To: "c", Time: noon(), Tries: 1, At: noon()}}
	f.Awaited, f.Addressees = []awaited{{ID: "r", At: noon()}}, []addressee{{From: "customer", Since: noon()}}
	f.Watched = []Watched{{
		Listing: machine.Listing{Checked: noon(), Reached: true, Proven: true}, ID: "other", From: "customer", Since: noon(), Close: true, Requested: true,
		EndedAt: noon(), WroteAt: noon(), At: noon(), Tries: 1, Failures: 1, Closings: 1, ClosedAt: noon(), QueuedAt: noon(), AloneAt: noon(), Agent: true, Incomplete: true, Unseen: []unseen{{ID: "u", At: noon()}}, More: 1, Until: noon(),
	}}
	f.Abandoned = noon()
	f.Forgot = 1
	f.Log = []logLine{{At: noon(), What: "begun", Why: "why"}}
	return f
}

func TestFullRecordIsFull(t *testing.T) {
	t.Parallel()
	f := reflect.ValueOf(*fullRecord())
	for i := range f.NumField() {
		if f.Type().Field(i).IsExported() {
			require.False(t, f.Field(i).IsZero(), f.Type().Field(i).Name)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	for _, f := range []*Record{fullRecord(), recordIn(machine.StateBot), {Touched: noon()}} {
		r, err := f.Encode(recordKey(), 7)
		require.NoError(t, err)
		g, err := Decode(r)
		require.NoError(t, err)
		require.Equal(t, f, g)
		again, err := g.Encode(recordKey(), 7)
		require.NoError(t, err)
		require.Equal(t, r, again)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	f := fullRecord()
	f.Created = 0
	r, err := f.Encode(recordKey(), 7)
	require.NoError(t, err)
	require.Equal(t, recordKey(), r.Key)
	require.Equal(t, uint64(7), r.Revision)
	require.Equal(t, uint64(7), f.Created, "the revision it was created with")
	require.Equal(t, "conversation", r.ConversationID)
	require.Equal(t, f.WakeAt().Std(), r.WakeAt)
}

// TestUnknownFieldsSurviveARewrite checks that a record of the next release keeps the fields that
// this one does not know: of the record, of the current and past sessions, and of the words. Each
// is removed together with its struct.
func TestUnknownFieldsSurviveARewrite(t *testing.T) {
	t.Parallel()
	f := recordIn(machine.StateEnded)
	f.Handover.HandedBack, f.Format = true, CurrentFormat+1
	f.Past = []past{{Session: machine.Session{ID: "zyxwvutsrqp2", State: machine.StateEnded}, From: "customer"}, {Session: machine.Session{ID: "zyxwvutsrqp3"}}}
	for _, id := range []string{"a", "b"} {
		w := wordOf(f.NextSeq(), id)
		w.Handover = ""
		f.Words = append(f.Words, w)
	}
	r, err := f.Encode(recordKey(), 7)
	require.NoError(t, err)
	text := string(r.Data)
	for _, pair := range [][2]string{
		{`{"format":4,`, `{"format":4,"colour":{"is":"new"},"limits":[1,2.50,12345678901234567890],`},
		{`"now":{"id"`, `"now":{"mood":"of the session","id"`},
		{`"session":{"id":"zyxwvutsrqp2"`, `"mood":"of the past","session":{"id":"zyxwvutsrqp2"`},
		{`"id":"a"`, `"mood":"of a","id":"a"`},
		{`"id":"b"`, `"mood":"of b","id":"b"`},
	} {
		require.Contains(t, text, pair[0])
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	rewrite := func(change func(*Transaction)) string {
		f, err := Decode(Stored{Key: recordKey(), Data: []byte(text)})
		require.NoError(t, err)
		tx := newTransaction(f)
		change(tx)
		r, err := tx.Encode(recordKey(), 8)
		require.NoError(t, err)
		again, err := Decode(r)
		require.NoError(t, err)
		require.Equal(t, CurrentFormat+1, again.Format, "it stays the newer release's")
		return string(r.Data)
	}

	require.JSONEq(t, text, rewrite(func(*Transaction) {}))
	out := rewrite(func(tx *Transaction) { tx.NextSeq() })
	for _, kept := range []string{`{"is":"new"}`, `2.50,12345678901234567890`, "of the session", "of the past", "of a", "of b"} {
		require.Contains(t, out, kept)
	}
	out = rewrite(func(tx *Transaction) { tx.Words = tx.Words[1:] })
	require.NotContains(t, out, "of a", "it goes with its word")
	require.Contains(t, out, `"mood":"of b"`)
	out = rewrite(func(tx *Transaction) { tx.Past = tx.Past[1:] })
	require.NotContains(t, out, "of the past")
	out = rewrite(func(tx *Transaction) { asks(tx, "bcdefghijkl3", machine.StateRequested) })
	require.Contains(t, out, `{"is":"new"}`)
	require.Contains(t, out, "of the past")
	require.Contains(t, out, `"mood":"of a"`)
}

// TestFormatsBeforeTheFirstReleaseAreRefused checks formats 1 and 2, which were written by
// development versions only. The error contains the fix.
func TestFormatsBeforeTheFirstReleaseAreRefused(t *testing.T) {
	t.Parallel()
	for format := 1; format < firstFormat; format++ {
		for _, name := range []string{"connected.json", "ended.json"} {
			data, err := os.ReadFile(filepath.Join(goldenDir(format), name)) //nolint:gosec // a name of our own
			require.NoError(t, err)
			_, err = Decode(Stored{Key: recordKey(), Data: data})
			require.ErrorIs(t, err, ErrUnreadable)
			require.ErrorContains(t, err, fmt.Sprintf("format %d was written by a development version", format))
			require.ErrorContains(t, err, "begin with an empty store")
		}
	}
}

func TestUnreadableRecords(t *testing.T) {
	t.Parallel()
	const secret = "my card is 4111"
	for name, data := range map[string]string{
		"empty":                   "",
		"not JSON":                secret,
		"cut":                     `{"format":3,"log":[{"what":"` + secret,
		"no format":               `{"created":1}`,
		"format too new":          `{"format":5}`,
		"format below":            `{"format":-1}`,
		"wrong type":              `{"format":3,"seq":"` + secret + `"}`,
		"wrong type inside":       `{"format":3,"words":[{"message":{"text":["` + secret + `"]}}]}`,
		"wrong attribute":         `{"format":3,"out":{"entries":[{"opening":{"texts":[],"attributes":{"` + secret + `":1}}}]}}`,
		"wrong time":              `{"format":3,"touched":"` + secret + `"}`,
		"wrong memory":            `{"format":3,"said":"` + secret + `"}`,
		"wrong content":           `{"format":3,"in":{"entries":[{"delivery":{"message":{"content":"` + secret + `"}}}]}}`,
		"wrong reply":             `{"format":3,"words":[{"message":{"reply":{"channel":"` + secret + `"}}}]}`,
		"words without a session": `{"format":3,"words":[{"id":"` + secret + `","message":{"text":"a"}}]}`,
		"unknown word":            `{"format":3,"now":{"state":"connected"},"words":[{"state":"lost","message":{"text":"` + secret + `"}}]}`,
		"word without text":       `{"format":3,"now":{"state":"connected"},"words":[{"id":"` + secret + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Decode(Stored{Data: []byte(data)})
			require.ErrorIs(t, err, ErrUnreadable)
			require.NotContains(t, err.Error(), "4111")
		})
	}
}

func TestRecordHardLimit(t *testing.T) {
	t.Parallel()
	f := recordIn(machine.StateConnected)
	for i := range 30 {
		f.Words = append(f.Words, Word{Message: new(Message{ID: strings.Repeat("i", i+1), Text: strings.Repeat("x", 64<<10)})})
	}
	_, err := f.Encode(recordKey(), 2)
	require.ErrorIs(t, err, ErrBacklog)
	require.Contains(t, err.Error(), "1572864")
}

// TestRevisions checks that a revision is max(previous + 1, now in microseconds), so that it never
// repeats across delete and create.
func TestRevisions(t *testing.T) {
	t.Parallel()
	now := uint64(noon()) //nolint:gosec // of 2026
	require.Equal(t, now, NextRevision(0, noon()))
	require.Equal(t, now+1, NextRevision(now, noon()))
	require.Equal(t, now+9, NextRevision(now+8, noon()), "a clock that went back")
	require.Equal(t, uint64(1), NextRevision(0, 0))
}

func FuzzDecode(f *testing.F) {
	r, err := fullRecord().Encode(recordKey(), 7)
	require.NoError(f, err)
	f.Add(r.Data)
	for _, s := range []string{
		`{"format":1}`, `{"format":3}`, `{"format":4,"NOW":{"state":"queued"},"more":[null]}`, `{"format":3,"heard":"AAAA"}`, `null`, `[]`,
		`{"formAt":3,"000":{"":""},"out":{"entries":[]}}`,
		`{"format":3,"now":{"state":"connected"},"out":{"entries":[{}]},"in":{"entries":[{"kind":"return"}]},"receipts":[{}]}`,
		`{"format":4,"now":{"state":"connected","more":1},"past":[{"more":2}],"words":[{"seq":1,"message":{"text":"a"},"more":3},{"seq":1}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Decode(Stored{Data: data})
		if err != nil {
			require.ErrorIs(t, err, ErrUnreadable)
			return
		}
		first, err := a.Encode(recordKey(), 7)
		if err != nil {
			require.ErrorIs(t, err, ErrBacklog, "what decodes encodes, if it is not too long")
			return
		}
		require.True(t, json.Valid(first.Data))
		b, err := Decode(first)
		require.NoError(t, err)
		second, err := b.Encode(recordKey(), 7)
		require.NoError(t, err)
		c, err := Decode(second)
		require.NoError(t, err)
		require.Equal(t, b, c)
		require.Equal(t, first.WakeAt, second.WakeAt)
	})
}

func BenchmarkRecord(b *testing.B) {
	f := recordIn(machine.StateConnected)
	tx := newTransaction(f)
	for _, id := range []string{"a", "b", "c"} {
		say(b, tx, id)
	}
	r, err := f.Encode(recordKey(), 1)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.Encode(recordKey(), 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
