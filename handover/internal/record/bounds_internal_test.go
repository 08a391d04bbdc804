package record

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// TestRecordStaysWithinItsLimit checks that a record stays within its hard limit with messages of
// any length: messages beyond it are refused before they are stored.
func TestRecordStaysWithinItsLimit(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Now())
	tx := &Transaction{
		Record: &Record{Touched: now}, Key: machine.Key{Customer: "c"}, Now: now, NewID: func() string { return "aaaaaaaaaaaa" },
		Jitter: func(d time.Duration) time.Duration { return d },
	}
	long := strings.Repeat("é", MaxMessage/2)
	write := func() (accepted int) {
		for i := range 200 {
			turn, err := tx.Forward(Message{ID: strconv.Itoa(len(tx.ForwardedIDs)) + "-" + strconv.Itoa(i), Text: long})
			if err != nil {
				require.ErrorIs(t, err, ErrBacklog)
				return accepted
			}
			require.Equal(t, machine.TurnAgent, turn)
			accepted++
		}
		require.Fail(t, "no bound")
		return 0
	}
	c := machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", Key: tx.Key, State: machine.StateRequested}, From: "c"}
	tx.Begin(c, &Opening{Texts: []string{"hello"}})
	for i := range 4 * maxRefusedWords {
		w := Word{Seq: tx.NextSeq(), ID: "d", Message: new(Message{ID: "d", Text: long}), Handover: c.ID, State: wordRefused}
		if i%2 == 0 {
			w.State, w.SentAt = wordSent, now
		}
		w.Size = SizeOf(*w.Message)
		tx.Words = append(tx.Words, w)
		tx.trim()
	}
	require.Positive(t, write(), "to Genesys")
	tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: "k"})
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	require.Zero(t, write(), "what waits while it ends counts together with it")
	tx.Apply(machine.Event{Kind: machine.EvReleased})
	tx.Tidy()
	for range 5 {
		_, _ = tx.Forward(Message{ID: strconv.FormatUint(tx.NextSeq(), 10), Text: long})
		tx.Tidy()
	}
	r, err := tx.Encode(tx.Key, 1)
	require.NoError(t, err)
	require.Less(t, len(r.Data), maxRecord)
}

func TestAFullLaneToTheHost(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for i := range inEntries {
		agentWrites(tx, "m", time.Duration(i))
	}
	agentWrites(tx, "too much", time.Hour)
	agentWrites(tx, "too much, too", time.Hour)
	require.Len(t, tx.In.Entries, inEntries+1)
	require.Equal(t, machine.NoticeMessageFailed, tx.In.Entries[inEntries].Notice.Kind, "reported once")
	require.Len(t, tx.Receipts, 2, "the agent gets a receipt for each")
	require.Equal(t, openmessaging.StatusFailed, tx.Receipts[0].Status)
}

func TestAFullLaneToGenesys(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	for i := range maxWords {
		say(t, tx, strconv.Itoa(i))
	}
	before := len(tx.ForwardedIDs)
	turn, err := tx.Forward(Message{ID: "more", Text: "more"})
	require.ErrorIs(t, err, ErrBacklog)
	require.Empty(t, turn)
	require.Len(t, queued(tx.Record), maxWords)
	require.Len(t, tx.ForwardedIDs, before, "a repeat may be accepted")
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	require.Equal(t, machine.StateEnding, tx.Handover.State, "the end is never refused")
}

func TestReceiptsAreBounded(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for i := range 100 {
		tx.receipt(Receipt{ID: string(rune(i))})
	}
	require.Len(t, tx.Receipts, maxReceipts)
	require.Equal(t, string(rune(99)), tx.Receipts[maxReceipts-1].ID, "the oldest are dropped")
}

// sentMany sends n messages that no agent answers.
func sentMany(t *testing.T, s machine.State, n int) *Transaction {
	t.Helper()
	tx := newTransaction(recordIn(s))
	for i := range n {
		say(t, tx, strconv.Itoa(i))
		sentAt(t, tx, noon())
	}
	return tx
}

// named lists the messages that a notice reports as failed.
func named(tx *Transaction) []string {
	var ids []string
	for _, x := range tx.In.Entries {
		if x.Notice != nil && x.Notice.Kind == machine.NoticeMessageFailed {
			ids = append(ids, x.Notice.MessageID)
		}
	}
	return ids
}

// TestTrimmedWordsAreNamed checks that the text of the 20 newest sent messages is kept, and that a
// notice names each of the others that is not answered.
func TestTrimmedWordsAreNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state machine.State
		next  func(*Transaction)
		want  []string
	}{
		"an agent may still join":            {machine.StateQueued, func(*Transaction) {}, nil},
		"at the end":                         {machine.StateQueued, func(tx *Transaction) { ends(tx, after(time.Minute)) }, []string{"0", "1", "2"}},
		"when another agent session begins":  {machine.StateEnding, func(tx *Transaction) { asks(tx, "bcdefghijkl3", machine.StateRequested) }, []string{"0", "1", "2"}},
		"not what an agent answered":         {machine.StateConnected, func(tx *Transaction) { seenAt(tx, after(time.Minute)); ends(tx, after(2*time.Minute)) }, nil},
		"not what the end shows as answered": {machine.StateConnected, func(tx *Transaction) { ends(tx, after(2*time.Minute)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := test.state
			if state == machine.StateEnding {
				state = machine.StateQueued
			}
			tx := sentMany(t, state, maxSentWords+3)
			require.Len(t, inState(tx.Record, wordSent), maxSentWords)
			if test.state == machine.StateEnding {
				tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
			}
			test.next(tx)
			require.Equal(t, test.want, named(tx))
		})
	}
}

func TestTrimmedIDsAreBounded(t *testing.T) {
	t.Parallel()
	tx := sentMany(t, machine.StateQueued, maxSentWords+maxSentIDs+2)
	require.Len(t, tx.Words, maxSentWords+maxSentIDs)
	require.Equal(t, []string{"0", "1"}, named(tx), "the oldest are named at once")
}

// TestSentWordsAreBoundedWithAttachments checks that attachments count too. Otherwise the record
// would be too large to store.
func TestSentWordsAreBoundedWithAttachments(t *testing.T) {
	t.Parallel()
	picture := openmessaging.Attachment{URL: "https://example.com/" + string(make([]byte, 1900)), MIME: "image/png"}
	tx := newTransaction(recordIn(machine.StateConnected))
	for i := range 10 {
		m := Message{ID: strconv.Itoa(i), Attachments: make([]openmessaging.Attachment, 20)}
		for i := range m.Attachments {
			m.Attachments[i] = picture
		}
		tx.Words = append(tx.Words, Word{Seq: tx.NextSeq(), ID: m.ID, Message: &m, Size: SizeOf(m), State: wordSent, Handover: tx.Handover.ID, SentAt: noon()})
		tx.trim()
	}
	size, without := 0, 0
	for i := range tx.Words {
		if w := &tx.Words[i]; w.Message != nil {
			size += SizeOf(*w.Message)
		} else {
			without++
		}
	}
	require.LessOrEqual(t, size, sentBytes)
	require.Positive(t, without)
}

func TestRefusedWordsAreBounded(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for i := range maxRefusedWords + 3 {
		say(t, tx, strconv.Itoa(i))
		settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectRefused, Err: &genesys.Error{StatusCode: 400}})
	}
	require.Len(t, inState(tx.Record, wordRefused), maxRefusedWords)
	require.Equal(t, "3", tx.Words[0].ID, "the oldest are dropped")
	require.Len(t, named(tx), maxRefusedWords+3, "each was named when it was refused")
}
