package engine

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/stretchr/testify/require"
)

// lined returns a record with messages that wait for Genesys.
func lined(ids ...string) *record.Record {
	f := recordtest.RecordIn(machine.StateConnected)
	for _, id := range ids {
		f.Words = append(f.Words, recordtest.WordOf(f.NextSeq(), id))
	}
	return f
}

// busyRecord has something to do in each lane, at noon.
func busyRecord() *record.Record {
	f := lined("a", "b")
	f.Handover.PollAt = noon()
	f.In.Push(record.Entry{Seq: f.NextSeq(), Kind: record.KindNotice, At: noon(), Notice: &record.Notice{Kind: machine.NoticeIdle}})
	return f
}

func replica(t *testing.T) *Manager {
	t.Helper()
	return replicaAt(noon().Std)
}

// replicaAt is a Manager that performs nothing by itself.
func replicaAt(now func() time.Time) *Manager {
	return &Manager{
		Environment: environment.Environment{Now: now, Wait: environment.Wait, Chance: rand.New(rand.NewPCG(1, 1))}, //nolint:gosec // chance that repeats
		owner:       "replica", running: true, workers: newWorkers(10_000, false), idle: make(chan struct{}, 1), busy: map[busyLane]bool{},
	}
}

// Each lane has one lease of 15 s, with its owner and a counter that grows with each claim.
func TestLeaseOneALane(t *testing.T) {
	t.Parallel()
	a, b := replica(t), replica(t)
	b.owner = "another"
	tx := recordtest.NewTransaction(busyRecord())
	jobs := a.claim(tx, nil)
	require.Len(t, jobs, 3)
	for i, n := range []record.LaneName{record.ToGenesys, record.ToHost, record.Control} {
		l := tx.Lane(n).Lease
		require.Equal(t, jobs[i].Lease, l)
		require.Equal(t, a.owner, l.Owner)
		require.Equal(t, uint64(i)+1, l.N, "it is raised at each take")
		require.Equal(t, noon().Add(15*time.Second), l.Until)
	}
	require.Equal(t, uint64(3), tx.Leases)
	tx.Now = noon().Add(17*time.Second - time.Microsecond)
	require.Empty(t, b.claim(tx, nil), "no other worker performs under it")
	tx.Now = noon().Add(17 * time.Second)
	require.Len(t, b.claim(tx, nil), 3, "at Until + 2 s another worker may")
	require.Equal(t, uint64(6), tx.Leases)
}

// The lease is taken in the accepting write if the lane is free and due, Run is running and a
// worker is free. Otherwise only WakeAt is set.
func TestLeaseIsTakenOnlyIfItCanBePerformed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Manager, *record.Transaction){
		"Run does not run": func(m *Manager, _ *record.Transaction) { m.running = false },
		"no worker is left": func(m *Manager, _ *record.Transaction) {
			m.workers = newWorkers(0, false)
		},
		"not before later": func(_ *Manager, tx *record.Transaction) { tx.Out.NotBefore = noon().Add(time.Second) },
		"leased to another": func(_ *Manager, tx *record.Transaction) {
			tx.Out.Lease = record.Lease{Owner: "another", N: 1, Seq: 1, Until: noon()}
		},
		"at work here": func(m *Manager, tx *record.Transaction) {
			m.busy[busyLane{tx.Key, record.ToGenesys}] = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, tx := replica(t), recordtest.NewTransaction(lined("a"))
			require.Len(t, replica(t).claim(recordtest.NewTransaction(lined("a")), nil), 1, "or the test looks at nothing")
			spoil(m, tx)
			was := tx.Out.Lease
			require.Empty(t, m.claim(tx, nil))
			require.Equal(t, was, tx.Out.Lease)
			require.Zero(t, m.effects, "no worker stays reserved")
			require.False(t, tx.WakeAt().IsZero(), "a replica is woken for it")
		})
	}
}

// The next effect of a lane takes a new lease with the same worker: leases are not renewed. Backoff
// clears the lease.
func TestNextEffectTakesANewLease(t *testing.T) {
	t.Parallel()
	m, tx := replica(t), recordtest.NewTransaction(lined("a", "b"))
	j := m.claim(tx, nil)[0]
	j.Record = recordtest.Copied(t, tx.Record)
	tx.Now = noon().Add(3 * time.Second)
	tx.Out.Lease = record.Lease{}
	tx.SettleOut(j, record.Outcome{Conversation: "conversation"})
	next := m.claim(tx, j)
	require.Len(t, next, 1)
	require.True(t, next[0].Inherits)
	require.Equal(t, record.Lease{Owner: m.owner, N: 2, Seq: 2, Until: noon().Add(18 * time.Second)}, tx.Out.Lease)

	j = next[0]
	j.Record = recordtest.Copied(t, tx.Record)
	tx.Out.Lease = record.Lease{}
	tx.SettleOut(j, record.Outcome{Effect: record.EffectNotPerformed, Err: record.ErrUnsure, ChannelFault: true})
	require.Empty(t, m.claim(tx, j))
	require.Zero(t, tx.Out.Lease)
	require.True(t, tx.Out.NotBefore.After(tx.Now))
}

// An abandoned lease wakes a replica at Until + 2 s, but only if there is work.
func TestAbandonedLeaseIsDueAgain(t *testing.T) {
	t.Parallel()
	f := lined("a")
	f.Out.Lease = record.Lease{Owner: "dead", N: 1, Seq: 1, Until: noon().Add(15 * time.Second)}
	require.Equal(t, noon().Add(17*time.Second), f.WakeAt())
	tx := recordtest.NewTransaction(f)
	tx.Now = noon().Add(17 * time.Second)
	jobs := replica(t).claim(tx, nil)
	require.NotEmpty(t, jobs)
	require.Equal(t, record.WordUnsure, tx.Words[0].State, "the outcome of the attempt is unknown")
	f = recordtest.RecordIn(machine.StateBot)
	f.Out.Lease = record.Lease{Owner: "dead", N: 1, Seq: 1, Until: noon().Add(15 * time.Second)}
	require.True(t, f.WakeAt().After(noon().Add(time.Hour)))
}

// A process takes a new lease before its old one has expired if no worker performs under the old
// one, because its outcome could not be stored.
func TestOwnLeaseAfterAnOutcomeThatWasNotStored(t *testing.T) {
	t.Parallel()
	m, tx := replica(t), recordtest.NewTransaction(lined("a", "b"))
	require.Len(t, m.claim(tx, nil), 1)
	require.Equal(t, record.WordWaiting, tx.Words[0].State)
	tx.Now = noon().Add(10 * time.Second)
	require.Len(t, m.claim(tx, nil), 1)
	require.Equal(t, record.WordUnsure, tx.Words[0].State, "Genesys may have it")
}

// A late owner settles its outcome and does not change the lease of another owner.
func TestLeaseOfAnotherIsLeftAlone(t *testing.T) {
	t.Parallel()
	a, b := replica(t), replica(t)
	b.owner = "another"
	tx := recordtest.NewTransaction(lined("a", "b"))
	late := a.claim(tx, nil)[0]
	late.Record = recordtest.Copied(t, tx.Record)
	tx.Now = noon().Add(17 * time.Second)
	b.claim(tx, nil)
	taken := tx.Out.Lease
	tx.SettleOut(late, record.Outcome{Conversation: "conversation"})
	require.Equal(t, []string{"words b"}, recordtest.Queued(tx.Record), "the effect has happened")
	require.Empty(t, a.claim(tx, late))
	require.Equal(t, taken, tx.Out.Lease)
}

// A read of the record takes seconds. The lease counts from its end. Otherwise it would expire
// before an effect that began after the read.
func TestLeaseCountsFromWhenTheRecordWasRead(t *testing.T) {
	t.Parallel()
	now := noon()
	m := replicaAt(func() time.Time { return now.Std() })
	m.config.Store = slowReads{newMapStore(), func() { now = now.Add(5 * time.Second) }}
	tx, _, err := m.load(t.Context(), recordKey())
	require.NoError(t, err)
	require.Equal(t, now, tx.Now)
}

type slowReads struct {
	Store

	read func()
}

func (s slowReads) Get(ctx context.Context, k machine.Key) (record.Stored, error) {
	s.read()
	return s.Store.Get(ctx, k)
}

// A slotStore notes how many slots of an account are free while it stores a record.
type slotStore struct {
	*mapStore

	slots func() int
	seen  []int
}

func (s *slotStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	if s.slots != nil {
		s.seen = append(s.seen, s.slots())
	}
	return s.mapStore.Put(ctx, r, prev)
}

// A lane has its slot when the claim is stored. While the outcome is stored, the slot is free.
func TestNoSlotWaitsForTheOutcomeToBeStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slotStore{mapStore: newMapStore()}
		m, a := crowded(t, 1, func(c *Config) { c.Store = s })
		all := len(a.Slots)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		synctest.Wait()
		s.slots = func() int { return len(a.Slots) }
		_, err := m.Forward(ctx, machine.Key{Channel: "shop", Customer: "c0000"}, record.Message{ID: "m1", Text: "hello"})
		require.NoError(t, err)
		<-time.After(10 * time.Second)
		require.GreaterOrEqual(t, len(s.seen), 2)
		require.Equal(t, []int{all - 1, all}, s.seen[:2])
		stop()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Len(t, a.Slots, all, "each slot is released once")
	})
}

// TestUnusedLeaseIsOver checks that a lease of this process without a worker is over before it
// expires. Its entry belongs to an ended session, so the opening of the next session is sent first.
func TestUnusedLeaseIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, _ := crowded(t, 0)
		m.running = true
		f := recordtest.RecordIn(machine.StateRequested)
		f.Handover.OpeningTriedAt, f.Handover.OpeningAcceptedAt, f.Handover.ConversationID = 0, 0, ""
		now := machine.TimeOf(time.Now())
		left := record.Entry{Seq: f.NextSeq(), Kind: "left", Handover: "zyxwvutsrqp2", At: now, HostID: "zyxwvutsrqp2", Text: "bye"}
		f.Out.Push(left)
		opening, err := record.Request{ID: "request", Summary: "summary"}.Opening([]string{"summary"}, "customer")
		require.NoError(t, err)
		f.Out.Push(record.Entry{Seq: f.NextSeq(), Kind: record.KindOpen, Handover: f.Handover.ID, At: now, HostID: "request", Opening: opening})
		f.Out.Lease = record.Lease{Owner: m.owner, N: 1, Seq: left.Seq, Until: now.Add(record.LeaseTime)}
		r, err := f.Encode(f.Handover.Key, 1)
		require.NoError(t, err)
		require.NoError(t, m.config.Store.Put(t.Context(), r, 0))

		turn, err := m.Forward(t.Context(), f.Handover.Key, record.Message{ID: "m1", Text: "hello"})
		require.NoError(t, err)
		require.Equal(t, machine.TurnAgent, turn)
		r, err = m.config.Store.Get(t.Context(), f.Handover.Key)
		require.NoError(t, err)
		f, err = record.Decode(r)
		require.NoError(t, err)
		require.Equal(t, uint64(2), f.Out.Lease.Seq, "the opening is being sent")
		synctest.Wait()
	})
}
