package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/stretchr/testify/require"
)

// A reported end requests a read of its conversation, like other signals, unless the conversation
// may not be read.
func TestReportedEndCountsOnlyInBlindMode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state        machine.State
		blind        bool
		conversation string
		open, read   bool
	}{
		"it can be read":         {state: machine.StateConnected, open: true, read: true},
		"it may not be read":     {state: machine.StateConnected, blind: true},
		"the bot has it":         {state: machine.StateBot, blind: true, open: true},
		"it went on elsewhere":   {state: machine.StateConnected, blind: true, conversation: "another", open: true},
		"it can be, in a queue":  {state: machine.StateQueued, open: true, read: true},
		"it is over at our side": {state: machine.StateEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, _ := crowded(t, 0)
				f := recordtest.RecordIn(test.state)
				k := f.Handover.Key
				f.Handover.Blind, f.Handover.Started = test.blind, machine.TimeOf(time.Now().Add(-time.Hour).UTC())
				f.Handover.OpeningTriedAt = f.Handover.Started
				f.Handover.PollAt, f.Handover.Poll = machine.TimeOf(time.Now().Add(time.Hour).UTC()), true
				r, err := f.Encode(k, 1)
				require.NoError(t, err)
				if r.ConversationID = "conversation"; test.conversation != "" {
					f.Handover.ConversationID = test.conversation // stored since it was found
					other, err := f.Encode(k, 1)
					require.NoError(t, err)
					r.Data = other.Data
				}
				require.NoError(t, m.config.Store.Put(t.Context(), r, 0))
				require.NoError(t, m.Ended(t.Context(), "", "conversation", time.Time{}))
				f, err = m.stored(t.Context(), k)
				require.NoError(t, err)
				require.Equal(t, test.open, f.Open() != nil)
				require.Equal(t, test.read, f.Open() != nil && !f.Handover.Poll)
				require.NoError(t, m.Ended(t.Context(), "", "", time.Time{}))
				require.NoError(t, m.Ended(t.Context(), "", "unknown", time.Time{}))
			})
		})
	}
}

// An unreadable store fails to read.
type unreadable struct{ Store }

func (unreadable) Get(context.Context, machine.Key) (record.Stored, error) {
	return record.Stored{}, errors.New("not reachable")
}

// TestStateOfTheSocketIsUnknownWithoutTheStore checks that a state of the socket from before a
// failure of the store is not taken for the present one.
func TestStateOfTheSocketIsUnknownWithoutTheStore(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	k, err := x.a.channel(t.Context(), "shop")
	require.NoError(t, err)
	owner := x.a.SocketOwner("shop")
	held, _, err := owner.Own(t.Context(), nil, time.Minute)
	require.NoError(t, err)
	require.True(t, held)
	require.NoError(t, owner.Report(t.Context(), false))
	require.Equal(t, record.SocketGone, x.a.socketOf(t.Context(), k))
	require.NoError(t, owner.Report(t.Context(), true))
	x.now = x.now.Add(time.Minute)
	x.a.config.Store = unreadable{x.store}
	require.Equal(t, record.SocketNone, x.a.socketOf(t.Context(), k))
	x.a.config.Store = x.store
	x.now = x.now.Add(time.Minute / 2)
	require.Equal(t, record.SocketAlive, x.a.socketOf(t.Context(), k))
}
