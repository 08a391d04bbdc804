package handover

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However long the messages are, a record stays within its hard limit: what would not fit is refused before it is stored.
func TestRecordStaysWithinItsLimit(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	e := &edit{
		file: &file{Touched: now}, key: Key{Customer: "c"}, now: now, newID: func() string { return "aaaaaaaaaaaa" },
		jitter: func(d time.Duration) time.Duration { return d },
	}
	long := strings.Repeat("é", MaxMessage/2)
	write := func() (accepted int) {
		for i := range 200 {
			turn, err := e.forward(Text(strconv.Itoa(len(e.Said))+"-"+strconv.Itoa(i), long))
			if err != nil {
				require.ErrorIs(t, err, ErrBacklog)
				return accepted
			}
			require.Equal(t, TurnAgent, turn)
			accepted++
		}
		require.Fail(t, "no bound")
		return 0
	}
	c := core{Session: Session{ID: "aaaaaaaaaaaa", Key: e.key, State: StateRequested}, From: "c"}
	e.begin(c, &opening{Texts: []string{"hello"}})
	require.Positive(t, write(), "to Genesys")
	for range 2 * maxDead {
		e.bury(dead{Message: Text("d", long), Handover: c.ID, Seq: e.next()})
	}
	e.apply(event{Kind: evAccepted, Conversation: "k"})
	e.apply(event{Kind: evEnd, Reason: EndByCustomer})
	require.Positive(t, write(), "while it ends")
	e.apply(event{Kind: evReleased})
	e.tidy()
	for range 5 {
		_, _ = e.forward(Text(strconv.FormatUint(e.next(), 10), long))
		e.tidy()
	}
	r, err := e.encode(e.key, 1)
	require.NoError(t, err)
	require.Less(t, len(r.Data), maxFile)
}
