package handover

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func recordKey() Key { return Key{Channel: "shop", Customer: "customer"} }

// fullFile has something in every field.
func fullFile() *file {
	f := fileIn(StateConnected)
	c := f.Now
	c.Resumed, c.Routing, c.Blind, c.LeftSent, c.HandedBack, c.Poll = true, RouteByFlow, true, true, true, true
	c.Ending = Ending{Reason: EndByBot, Time: noon(), Code: CodeQueue, Detail: "detail"}
	c.Doubt = doubt{Phase: genesys.PhaseEnded, At: noon()}
	c.Gone, c.MovedTo, c.Moved, c.EndAsked, c.Disconnects, c.Disconnected = noon(), "other", noon(), noon(), 1, noon()
	c.CustomerAt, c.AgentAt, c.Warned, c.ReadAt, c.PollAt, c.PollEvery = noon(), noon(), noon(), noon(), noon(), time.Second
	c.Refusals, c.Signalled, c.Waiting, c.AnsweredTo, c.Asked = 2, noon(), noon(), noon(), noon()
	f.Seq, f.Leases, f.WireTime, f.Forget, f.Given = 9, 8, noon(), noon(), noon()
	f.Past = []past{{Session: coreIn(StateEnded).Session, From: "customer"}}
	f.Next = &plan{Core: coreIn(StateRequested), Opening: &opening{Customer: openmessaging.Customer{ID: "customer"}, Texts: []string{"next"}}}
	f.Out.push(entry{
		Seq: 1, Kind: kindOpen, Handover: c.ID, At: noon(), NotBefore: noon(), First: noon(), Attempts: 1, HostID: "request", Wire: noon(),
		Done: 1, Maybe: true, Opening: &opening{Texts: []string{"hello", "there"}, Attributes: map[string]string{"a": "b"}},
	})
	reply := Message{ID: "2", Reply: &openmessaging.Reply{
		From: openmessaging.Customer{IDType: openmessaging.IDOpaque}, InReplyTo: "1", Kind: openmessaging.ReplyButton, Text: "Yes", Payload: "yes",
	}}
	f.Out.push(entry{Seq: 2, Kind: kindReply, At: noon(), Message: &reply})
	f.Out.push(entry{Seq: 3, Kind: kindLeft, At: noon(), Text: "left"})
	f.Out.Lease, f.Out.NotBefore, f.Out.Failures = lease{Owner: "replica", N: 8, Until: noon()}, noon(), 2
	picture := openmessaging.Message{Text: "look", Content: openmessaging.Contents{openmessaging.Attachment{URL: "https://example.com/a.png"}}}
	f.In.push(entry{Seq: 4, Kind: kindDelivery, At: noon(), Delivery: &delivery{
		ID: "d", Message: picture, Origin: openmessaging.OriginHuman, Time: noon(), From: "customer", Late: true, OutOfOrder: true,
	}})
	f.In.push(entry{Seq: 5, Kind: kindNotice, At: noon(), Notice: &Notice{
		Kind: NoticeQueued, Session: c.Session, Time: noon(), Wait: new(time.Minute), MessageID: "m", Agent: anna(),
		From: "agents", To: "billing", Detail: "detail", Permission: "permission",
	}})
	back := entry{Seq: 6, Kind: kindReturn, At: noon(), Session: &Session{ID: c.ID}}
	back.giveBack([]held{{Unanswered: Unanswered{Message: Text("3", "words"), Sent: true, Reason: "reason"}, Seq: 3}})
	f.In.push(back)
	f.Control.NotBefore, f.Control.Failures = noon(), 3
	f.Tail = []sent{{Message: Text("4", "words"), Handover: c.ID, Seq: 4, At: noon()}}
	f.Cut = []cut{{Host: "3", Handover: c.ID, At: noon()}}
	f.Sent = []sentID{{Platform: "p", Host: "h"}}
	f.Dead = []dead{{Message: Text("5", "words"), Seq: 5, Handover: c.ID, Reason: "reason"}}
	f.Held = []held{{Unanswered: Unanswered{Message: Text("6", "words")}, Seq: 6}}
	f.Heard.remember("a", heard, noon())
	f.Said.remember("b", toAgent, noon())
	f.Requests = []requestID{{Hash: 1 << 63, Handover: c.ID}}
	f.Receipts = []receipt{{ID: "r", Status: openmessaging.StatusFailed, Code: openmessaging.ReasonGeneralError, To: "c", Time: noon(), Tries: 1, At: noon()}}
	f.Adopt = &adoption{Conversation: "other", From: "customer", At: noon(), Since: noon()}
	f.Orphans = []orphan{{Conversation: "orphan", At: noon(), Tries: 1}}
	f.Check = &check{
		listing: listing{Checked: noon(), Reached: true, Proven: true}, Conversation: "ended", From: "customer", Since: noon(), At: noon(), Tries: 1, Left: 1,
	}
	f.Checks = []check{*f.Check}
	f.note(noon(), "begun", "why")
	return f
}

func TestFullFileIsFull(t *testing.T) {
	t.Parallel()
	f := reflect.ValueOf(*fullFile())
	for i := range f.NumField() {
		if f.Type().Field(i).IsExported() {
			require.False(t, f.Field(i).IsZero(), f.Type().Field(i).Name)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	for _, f := range []*file{fullFile(), fileIn(StateBot), {Touched: noon()}} {
		r, err := f.encode(recordKey(), 7)
		require.NoError(t, err)
		g, err := decode(r)
		require.NoError(t, err)
		require.Equal(t, f, g)
		again, err := g.encode(recordKey(), 7)
		require.NoError(t, err)
		require.Equal(t, r, again)
	}
}

func TestRecordOfAFile(t *testing.T) {
	t.Parallel()
	f := fullFile()
	f.Created = 0
	r, err := f.encode(recordKey(), 7)
	require.NoError(t, err)
	require.Equal(t, recordKey(), r.Key)
	require.Equal(t, uint64(7), r.Revision)
	require.Equal(t, uint64(7), f.Created, "the revision it was created with")
	require.Equal(t, "conversation", r.ConversationID)
	require.Equal(t, f.wakeAt(), r.WakeAt)
}

func TestUnknownFieldsSurviveARewrite(t *testing.T) {
	t.Parallel()
	data := `{"format":2,"created":1,"seq":3,"leases":0,"touched":"2026-11-22T12:00:00Z","colour":{"is":"new"},"lanes":[1,2]}`
	f, err := decode(Record{Data: []byte(data)})
	require.NoError(t, err)
	f.next()
	r, err := f.encode(recordKey(), 2)
	require.NoError(t, err)
	require.JSONEq(t, strings.Replace(data, `"seq":3`, `"seq":4`, 1), string(r.Data))
	f, err = decode(r)
	require.NoError(t, err)
	require.Equal(t, 2, f.Format, "it stays the newer release's")
	require.Equal(t, uint64(4), f.Seq)
}

func TestUnreadableRecords(t *testing.T) {
	t.Parallel()
	const secret = "my card is 4111"
	for name, data := range map[string]string{
		"empty":             "",
		"not JSON":          secret,
		"cut":               `{"format":1,"log":[{"what":"` + secret,
		"no format":         `{"created":1}`,
		"format too new":    `{"format":3}`,
		"format below":      `{"format":-1}`,
		"wrong type":        `{"format":1,"seq":"` + secret + `"}`,
		"wrong type inside": `{"format":1,"out":{"entries":[{"message":{"text":["` + secret + `"]}}]}}`,
		"wrong attribute":   `{"format":1,"out":{"entries":[{"opening":{"texts":[],"attributes":{"` + secret + `":1}}}]}}`,
		"wrong time":        `{"format":1,"touched":"` + secret + `"}`,
		"wrong memory":      `{"format":1,"said":"` + secret + `"}`,
		"wrong content":     `{"format":1,"in":{"entries":[{"delivery":{"message":{"content":"` + secret + `"}}}]}}`,
		"wrong reply":       `{"format":1,"out":{"entries":[{"message":{"reply":{"channel":"` + secret + `"}}}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(Record{Data: []byte(data)})
			require.ErrorIs(t, err, errUnreadable)
			require.NotContains(t, err.Error(), "4111")
		})
	}
}

func TestRecordHardLimit(t *testing.T) {
	t.Parallel()
	f := fileIn(StateConnected)
	for i := range 30 {
		f.Held = append(f.Held, held{Unanswered: Unanswered{Message: Text(strings.Repeat("i", i+1), strings.Repeat("x", 64<<10))}})
	}
	_, err := f.encode(recordKey(), 2)
	require.ErrorIs(t, err, ErrBacklog)
	require.Contains(t, err.Error(), "1572864")
}

// Revision = max(previous + 1, now in microseconds), so that it never repeats across delete and create.
func TestRevisions(t *testing.T) {
	t.Parallel()
	now := uint64(noon().UnixMicro())
	require.Equal(t, now, nextRevision(0, noon()))
	require.Equal(t, now+1, nextRevision(now, noon()))
	require.Equal(t, now+9, nextRevision(now+8, noon()), "a clock that went back")
	require.Equal(t, uint64(1), nextRevision(0, time.Time{}))
}

func FuzzDecode(f *testing.F) {
	r, err := fullFile().encode(recordKey(), 7)
	require.NoError(f, err)
	f.Add(r.Data)
	for _, s := range []string{
		`{"format":1}`, `{"format":2,"NOW":{"state":"queued"},"more":[null]}`, `{"format":1,"heard":"AAAA"}`, `null`, `[]`,
		`{"formAt":1,"000":{"":""},"out":{"entries":[]}}`,
		`{"format":1,"now":{"state":"connected"},"out":{"entries":[{}]},"in":{"entries":[{"kind":"return"}]},"receipts":[{}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decode(Record{Data: data})
		if err != nil {
			require.ErrorIs(t, err, errUnreadable)
			return
		}
		first, err := a.encode(recordKey(), 7)
		if err != nil {
			require.ErrorIs(t, err, ErrBacklog, "what decodes encodes, if it is not too long")
			return
		}
		require.True(t, json.Valid(first.Data))
		b, err := decode(first)
		require.NoError(t, err)
		second, err := b.encode(recordKey(), 7)
		require.NoError(t, err)
		c, err := decode(second)
		require.NoError(t, err)
		require.Equal(t, b, c)
		require.Equal(t, first.WakeAt, second.WakeAt)
	})
}
