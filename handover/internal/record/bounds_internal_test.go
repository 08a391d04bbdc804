package record

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// With messages of any length, a record stays within its hard limit: messages beyond it are refused
// before they are stored.
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
