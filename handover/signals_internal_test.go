package handover

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Between two reads lies a pause, a longer one where they are forbidden; the last of many signals is kept.
func TestSignalsKeepThePauseBetweenReads(t *testing.T) {
	t.Parallel()
	for blind, pause := range map[bool]time.Duration{false: readPause, true: blindPause} {
		e := newEdit(fileIn(StateConnected))
		e.Now.Blind, e.Now.ReadAt = blind, noon()
		e.Now.PollAt, e.Now.Poll = noon().Add(blindPoll), true
		e.now = noon().Add(time.Second)
		require.True(t, e.readSoon(e.Now))
		require.Equal(t, noon().Add(pause), e.Now.PollAt)
		for range 100 { // a storm is no write
			require.False(t, e.readSoon(e.Now))
		}
		e.Control.Lease = lease{Owner: "replica", Until: e.now.Add(leaseTime)}
		require.True(t, e.readSoon(e.Now), "a read is under way: it may be older than the signal")
		e.Control.Lease = lease{}
		e.Now.PollAt, e.Now.ReadAt = e.now.Add(firstRead), time.Time{}
		require.False(t, e.readSoon(e.Now), "a read is timed already")
	}
}

// A signal that says more than others asks for a read like them, unless it may not be made; and only of its own conversation.
func TestASignalOfAnEndIsBelievedOnlyInBlindMode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state        State
		blind        bool
		conversation string
		open, read   bool
	}{
		"it can be read":         {state: StateConnected, open: true, read: true},
		"it may not be read":     {state: StateConnected, blind: true},
		"the bot has it":         {state: StateBot, blind: true, open: true},
		"it went on elsewhere":   {state: StateConnected, blind: true, conversation: "another", open: true},
		"it can be, in a queue":  {state: StateQueued, open: true, read: true},
		"it is over at our side": {state: StateEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, _ := crowded(t, 0)
				f := fileIn(test.state)
				k := f.Now.Key
				f.Now.Blind = test.blind
				f.Now.PollAt, f.Now.Poll = time.Now().Add(time.Hour).UTC(), true
				r, err := f.encode(k, 1)
				require.NoError(t, err)
				if r.ConversationID = "conversation"; test.conversation != "" {
					f.Now.ConversationID = test.conversation // stored since it was found
					other, err := f.encode(k, 1)
					require.NoError(t, err)
					r.Data = other.Data
				}
				require.NoError(t, m.config.Store.Put(t.Context(), r, 0))
				require.NoError(t, m.Ended(t.Context(), "conversation"))
				f, err = m.file(t.Context(), k)
				require.NoError(t, err)
				require.Equal(t, test.open, f.open() != nil)
				require.Equal(t, test.read, f.open() != nil && !f.Now.Poll)
				require.NoError(t, m.Ended(t.Context(), ""))
				require.NoError(t, m.Ended(t.Context(), "unknown"))
			})
		})
	}
}
