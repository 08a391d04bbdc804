package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/genesyshandover/genesyshandover/webhook"
	"github.com/stretchr/testify/require"
)

var errAway = errors.New("the database is away")

// refusedTransfer is a look at a session, of which Genesys refused the transfer.
func refusedTransfer(tb testing.TB, x *bench) (*record.Job, record.Outcome) {
	tb.Helper()
	f := recordtest.RecordIn(machine.StateRequested)
	f.Handover.PollAt = noon()
	tx := recordtest.NewTransaction(f)
	j := recordtest.JobOn(tb, tx, record.Control)
	j.Key, j.Lease.Owner = benchKey(), x.a.owner
	f.Control.Lease = j.Lease
	x.stores(tb, f)
	refused := &genesys.Error{Op: "conversations.transfer", StatusCode: 400}
	return j, record.Outcome{
		Task: record.TaskLook, Refused: refused, Alarm: "webhooks do not arrive",
		Read: &record.Reading{Began: noon(), Standing: genesys.Standing{Phase: genesys.PhaseFlow}},
	}
}

// The Put that stored an outcome returned an error. The outcome is not counted again.
func TestOutcomeOfAnUnknownPutCountsOnce(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	j, o := refusedTransfer(t, x)
	x.store.after = errAway
	x.a.settle(t.Context(), j, o)
	f := x.stored(t)
	require.Equal(t, 1, f.Handover.Refusals)
	require.Equal(t, 1, x.store.puts, "it was stored")
}

// The same if another replica has written the record in between.
func TestOutcomeOfAnUnknownPutCountsOnceAfterAnotherWrite(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	j, o := refusedTransfer(t, x)
	x.store.after = errAway
	x.a.Wait = func(context.Context, time.Duration, <-chan struct{}) (bool, error) {
		x.a.Wait = func(context.Context, time.Duration, <-chan struct{}) (bool, error) { return false, nil }
		x.edit(t, x.b, adds("1")) //nolint:contextcheck // an edit of its own
		return false, nil
	}
	x.a.settle(t.Context(), j, o)
	require.Equal(t, 1, x.stored(t).Handover.Refusals)
}

// An outcome that was not stored is stored by the next attempt.
func TestOutcomeThatWasNotStoredCounts(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	j, o := refusedTransfer(t, x)
	x.store.before = errAway
	x.a.settle(t.Context(), j, o)
	require.Equal(t, 1, x.stored(t).Handover.Refusals)
}

// A message without an id cannot be recognized by it.
func TestWebhookWithoutAnIDIsDeliveredOnceAfterAnUnknownPut(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.stores(t, recordtest.RecordIn(machine.StateConnected))
	x.store.after = errAway
	require.NoError(t, x.a.Receive(t.Context(), webhook.Notification{Channel: "shop", Outbound: openmessaging.Outbound{
		CustomerID: benchKey().Customer, ConversationID: "conversation", Time: noon().Std(), Origin: openmessaging.OriginHuman,
		Body: openmessaging.Message{Text: "hello"},
	}}))
	require.Len(t, x.stored(t).In.Entries, 1)
}

// The work that an unknown Put claimed is performed under the leases that it stored, so no attempt
// of it is unsure.
func TestClaimsOfAnUnknownPutArePerformed(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.stores(t, recordtest.RecordIn(machine.StateConnected))
	x.a.running = true
	x.store.after = errAway
	turn, err := x.a.Forward(t.Context(), benchKey(), record.Message{ID: "m1", Text: "hello"})
	require.NoError(t, err)
	require.Equal(t, machine.TurnAgent, turn)
	f := x.stored(t)
	require.Equal(t, x.a.owner, f.Out.Lease.Owner)
	require.Equal(t, record.WordWaiting, f.Words[0].State)
	require.True(t, x.a.busy[busyLane{benchKey(), record.ToGenesys}])
	require.Len(t, x.a.busy, x.a.effects, "each reservation is used")
	require.Equal(t, 1, x.store.puts)
}

// A hung database stores a Put after a later attempt has begun. The outcome is not counted again.
func TestPutThatIsStoredLateCountsOnce(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	j, o := refusedTransfer(t, x)
	late := &lateStore{watchedStore: x.store, at: 3}
	x.a.config.Store = late
	x.a.settle(t.Context(), j, o)
	require.Equal(t, 3, late.calls)
	require.Equal(t, 1, x.stored(t).Handover.Refusals)
}

// The claims of an unknown Put are known to be stored only when their workers are free again, or
// too late for their effects to begin. The work is claimed again at once.
func TestClaimsThatAreFoundLateAreClaimedAgain(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]lateStore{"at a conflict": {at: 2}, "after 2 s": {at: 1, takes: 2 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newBench(t)
			x.stores(t, recordtest.RecordIn(machine.StateConnected))
			x.a.running = true
			late.watchedStore, late.bench = x.store, x
			x.a.config.Store = &late
			_, err := x.a.Forward(t.Context(), benchKey(), record.Message{ID: "m1", Text: "hello"})
			require.NoError(t, err)
			f := x.stored(t)
			require.Len(t, f.Words, 1)
			require.Equal(t, x.a.owner, f.Out.Lease.Owner)
			require.True(t, x.a.busy[busyLane{benchKey(), record.ToGenesys}])
			require.Equal(t, machine.TimeOf(x.now).Add(record.LeaseTime), f.Out.Lease.Until)
			require.Len(t, x.a.busy, x.a.effects, "each reservation is used")
		})
	}
}

// A lateStore stores the first Put when a later one begins, or at once. Each Put up to then returns
// an error.
type lateStore struct {
	*watchedStore

	bench *bench
	at    int           // the call that stores it
	takes time.Duration // of the first call
	calls int
	first record.Stored
	prev  uint64
}

func (s *lateStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	if s.calls++; s.calls == 1 {
		if s.first, s.prev = r, prev; s.takes > 0 {
			s.bench.now = s.bench.now.Add(s.takes)
		}
	}
	if s.calls == s.at {
		if err := s.watchedStore.Put(ctx, s.first, s.prev); err != nil {
			return err
		}
	}
	if s.calls < s.at || s.at == 1 && s.calls == 1 {
		return errAway
	}
	return s.watchedStore.Put(ctx, r, prev)
}

// A session ends without a look. The slot of its next poll is free again.
func TestEndWithoutALookFreesTheSlot(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	k, err := x.a.channel(t.Context(), "shop")
	require.NoError(t, err)
	f := recordtest.RecordIn(machine.StateConnected)
	first := machine.TimeOf(x.now.Add(time.Minute))
	f.Handover.Blind, f.Handover.Poll = true, true
	f.Handover.Slot = k.account.PollSlot(first)
	f.Handover.PollAt = f.Handover.Slot
	x.stores(t, f)
	require.NoError(t, x.a.Ended(t.Context(), "shop", "conversation", x.now))
	require.Equal(t, machine.StateEnded, x.stored(t).Handover.State)
	require.Equal(t, first, k.account.PollSlot(first))
}
