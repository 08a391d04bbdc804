package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
	"github.com/stretchr/testify/require"
)

// A watchedStore counts calls, and its Put may fail before or after it has stored.
type watchedStore struct {
	*mapStore

	gets, puts    int
	before, after error // of the next Put
}

func (s *watchedStore) Get(ctx context.Context, k machine.Key) (record.Stored, error) {
	s.gets++
	return s.mapStore.Get(ctx, k)
}

func (s *watchedStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	s.puts++
	before, after := s.before, s.after
	s.before, s.after = nil, nil
	if before != nil {
		return before
	}
	if err := s.mapStore.Put(ctx, r, prev); err != nil {
		return err
	}
	return after
}

// A bench is a store and two replicas on it, with a clock that the test moves. No effect of a
// replica runs: they are in jobs.
type bench struct {
	store *watchedStore
	now   time.Time
	a, b  *Manager
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	x := &bench{store: &watchedStore{mapStore: newMapStore()}, now: noon().Std()}
	x.a, x.b = x.replica(), x.replica()
	return x
}

func (x *bench) replica() *Manager {
	s := environment.New()
	s.Now = func() time.Time { return x.now }
	s.Until = func(ctx context.Context, _ time.Time) (context.Context, context.CancelFunc) {
		return context.WithCancel(ctx)
	}
	s.Wait = func(context.Context, time.Duration, <-chan struct{}) (bool, error) { return false, nil }
	s.Go = func(func()) {}
	return New(Config{
		Channel: Channel{
			ID: "shop", Region: region.EUWest1, ClientID: "id", ClientSecret: "secret", IntegrationID: "integration",
			WebhookSecrets: []string{"0123456789abcdef"}, AgentQueue: "agents",
		},
		Store: x.store, Deliver: func(context.Context, record.Delivery) error { return nil }, Return: func(context.Context, record.Return) error { return nil },
	}, s)
}

func benchKey() machine.Key { return machine.Key{Channel: "shop", Customer: "customer"} }

// stores puts a record into the store, without a replica.
func (x *bench) stores(tb testing.TB, f *record.Record) {
	tb.Helper()
	r, err := f.Encode(benchKey(), 1)
	require.NoError(tb, err)
	require.NoError(tb, x.store.mapStore.Put(tb.Context(), r, 0))
}

// stored returns the record as the store has it.
func (x *bench) stored(tb testing.TB) *record.Record {
	tb.Helper()
	r, err := x.store.mapStore.Get(tb.Context(), benchKey())
	require.NoError(tb, err)
	f, err := record.Decode(r)
	require.NoError(tb, err)
	return f
}

// lines returns what edits added to the log.
func (x *bench) lines(tb testing.TB) string {
	tb.Helper()
	var list []string
	for _, l := range x.stored(tb).Log {
		list = append(list, l.Why)
	}
	return strings.Join(list, " ")
}

// adds is an edit that adds a line to the log.
func adds(line string) func(*record.Transaction) error {
	return func(tx *record.Transaction) error {
		tx.AddLog("line", line)
		return nil
	}
}

// edit makes an edit and returns how often the store was read for it.
func (x *bench) edit(tb testing.TB, m *Manager, fn func(*record.Transaction) error) (gets int) {
	tb.Helper()
	before := x.store.gets
	_, err := m.accept(tb.Context(), benchKey(), fn)
	require.NoError(tb, err)
	return x.store.gets - before
}

func TestEditStartsFromTheCopy(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	require.Equal(t, 1, x.edit(t, x.a, adds("1")), "that there is no record is never kept")
	require.Zero(t, x.edit(t, x.a, adds("2")))
	require.Zero(t, x.edit(t, x.a, adds("3")))
	require.Equal(t, "1 2 3", x.lines(t))
	require.Equal(t, 1, x.edit(t, x.b, adds("4")), "a replica has copies of its own")
	require.Equal(t, "1 2 3 4", x.lines(t))
}

// A stale copy conflicts, and the edit is run again on a Get, at once.
func TestStaleCopyIsRunAgainOnGet(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.edit(t, x.a, adds("1"))
	x.edit(t, x.b, adds("2"))
	seen, waited := []int{}, false
	wait := x.a.Wait
	x.a.Wait = func(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error) {
		waited = true
		return wait(ctx, d, ready)
	}
	require.Equal(t, 1, x.edit(t, x.a, func(tx *record.Transaction) error {
		seen = append(seen, len(tx.Log))
		return adds("3")(tx)
	}))
	require.Equal(t, []int{1, 2}, seen)
	require.Equal(t, "1 2 3", x.lines(t))
	require.False(t, waited, "the Get is made at once")
	require.Zero(t, x.edit(t, x.a, adds("4")), "the copy is current again")
}

// What an old copy says is nothing to store, or an error, or a panic, may be something to store.
func TestEditWithNothingToStoreIsRunAgainOnGet(t *testing.T) {
	t.Parallel()
	for name, onOld := range map[string]func() error{
		"unchanged": func() error { return record.ErrUnchanged },
		"no change": func() error { return nil },
		"an error":  func() error { return record.ErrBacklog },
		"a panic":   func() error { panic("on an old copy") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newBench(t)
			x.edit(t, x.a, adds("1"))
			x.edit(t, x.b, adds("2"))
			require.Equal(t, 1, x.edit(t, x.a, func(tx *record.Transaction) error {
				if len(tx.Log) == 1 {
					return onOld()
				}
				return adds("3")(tx)
			}))
			require.Equal(t, "1 2 3", x.lines(t))
			require.Empty(t, x.a.aside, "the record itself causes no panic")
		})
	}
}

// The same results count on a Get.
func TestResultOfGetCounts(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.edit(t, x.a, adds("1"))
	n := 0
	require.Equal(t, 1, x.edit(t, x.a, func(*record.Transaction) error { n++; return record.ErrUnchanged }))
	require.Equal(t, 2, n)
	require.Equal(t, 1, x.edit(t, x.a, adds("2")))
	_, err := x.a.accept(t.Context(), benchKey(), func(*record.Transaction) error { return record.ErrBacklog })
	require.ErrorIs(t, err, record.ErrBacklog)
	x.edit(t, x.a, adds("3"))
	_, err = x.a.accept(t.Context(), benchKey(), func(*record.Transaction) error { panic("always") })
	require.ErrorIs(t, err, errPanic)
	require.Contains(t, x.a.aside, benchKey())
	require.Equal(t, 1, x.edit(t, x.a, adds("4")), "no copy remains after a panic")
	require.Equal(t, "1 2 3 4", x.lines(t))
}

// In an old copy the bot has the turn. An agent has had it since.
func TestTurnOfTheBotIsReadFromTheStore(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*testing.T, *Manager) machine.Turn{
		"Forward": func(t *testing.T, m *Manager) machine.Turn {
			t.Helper()
			turn, err := m.Forward(t.Context(), benchKey(), record.Message{ID: "m1", Text: "hello"})
			require.NoError(t, err)
			return turn
		},
		"Reply": func(t *testing.T, m *Manager) machine.Turn {
			t.Helper()
			turn, err := m.Reply(t.Context(), benchKey(), record.Message{ID: "m1", Text: "hello"}, func(context.Context) error {
				t.Error("the bot must not speak")
				return nil
			})
			require.NoError(t, err)
			return turn
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newBench(t)
			x.edit(t, x.a, adds("1"))
			x.edit(t, x.b, func(tx *record.Transaction) error {
				c := machinetest.HandoverIn(machine.StateConnected)
				tx.Handover = &c
				return nil
			})
			require.Equal(t, machine.TurnAgent, answer(t, x.a))
			require.Len(t, x.stored(t).Words, 1)
		})
	}
}

// On a current copy the turn of the bot costs the Get that it always did.
func TestTurnOfTheBotIsAGet(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.edit(t, x.a, adds("1"))
	before := x.store.gets
	turn, err := x.a.Forward(t.Context(), benchKey(), record.Message{ID: "m1", Text: "hello"})
	require.NoError(t, err)
	require.Equal(t, machine.TurnBot, turn)
	require.Equal(t, 1, x.store.gets-before)
}

func TestTurnSessionAndExplainReadTheStore(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.edit(t, x.a, adds("1"))
	x.edit(t, x.b, func(tx *record.Transaction) error {
		c := machinetest.HandoverIn(machine.StateConnected)
		tx.Handover = &c
		return nil
	})
	before := x.store.gets
	turn, err := x.a.Turn(t.Context(), benchKey())
	require.NoError(t, err)
	require.Equal(t, machine.TurnAgent, turn)
	s, err := x.a.Session(t.Context(), benchKey())
	require.NoError(t, err)
	require.Equal(t, machine.StateConnected, s.State)
	_, err = x.a.Explain(t.Context(), benchKey())
	require.NoError(t, err)
	require.Equal(t, 3, x.store.gets-before)
}

// After a Put of unknown outcome the record is read, whether it was stored or not.
func TestCopyIsDroppedAfterAnUnknownPut(t *testing.T) {
	t.Parallel()
	errDown := errors.New("down")
	for name, set := range map[string]func(*watchedStore){
		"stored":     func(s *watchedStore) { s.after = errDown },
		"not stored": func(s *watchedStore) { s.before = errDown },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newBench(t)
			x.edit(t, x.a, adds("1"))
			set(x.store)
			require.Equal(t, 1, x.edit(t, x.a, func(tx *record.Transaction) error {
				if len(tx.Log) == 2 {
					return record.ErrUnchanged // idempotent, as by an id
				}
				return adds("2")(tx)
			}))
			require.Equal(t, "1 2", x.lines(t))
		})
	}
}

// After an unknown outcome no copy is used, not even one that another edit has stored in between.
func TestRoundAfterAnUnknownPutReads(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.edit(t, x.a, adds("1"))
	x.store.before = errors.New("down")
	x.a.Wait = func(context.Context, time.Duration, <-chan struct{}) (bool, error) {
		x.a.Wait = func(context.Context, time.Duration, <-chan struct{}) (bool, error) { return false, nil }
		x.edit(t, x.a, adds("2")) //nolint:contextcheck // an edit of its own
		return false, nil
	}
	require.Equal(t, 2, x.edit(t, x.a, adds("3")), "one for each edit")
	require.Equal(t, "1 2 3", x.lines(t))
}

// An error of Put that is certain drops the copy, too.
func TestRemovedRecordIsNotKept(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.edit(t, x.a, adds("1"))
	r, err := x.store.mapStore.Get(t.Context(), benchKey())
	require.NoError(t, err)
	require.NoError(t, x.store.Delete(t.Context(), benchKey(), r.Revision))
	fresh := false
	require.Equal(t, 1, x.edit(t, x.a, func(tx *record.Transaction) error {
		fresh = tx.Fresh
		return record.ErrUnchanged
	}))
	require.True(t, fresh)
	require.Equal(t, 1, x.edit(t, x.a, func(*record.Transaction) error { return record.ErrUnchanged }))
}

// An old copy may be of a record that would have expired. It is not removed, nor is what replaced
// it.
func TestExpiredCopyRemovesNothing(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	f := recordtest.RecordIn(machine.StateEnded)
	f.Handover.HandedBack = true
	x.stores(t, f)
	x.edit(t, x.a, adds("1"))
	x.edit(t, x.b, func(tx *record.Transaction) error {
		c := machinetest.HandoverIn(machine.StateConnected)
		tx.Handover = &c
		return nil
	})
	seen := 0
	require.Equal(t, 1, x.edit(t, x.a, func(tx *record.Transaction) error {
		seen++
		tx.Forget = noon() // of the old session there is nothing left
		return nil
	}))
	require.Equal(t, 2, seen)
	require.Equal(t, machine.StateConnected, x.stored(t).Handover.State)
}

func TestCopyLivesAMinute(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.edit(t, x.a, adds("1"))
	x.now = x.now.Add(copyTime - time.Microsecond)
	require.Zero(t, x.edit(t, x.a, adds("2")))
	x.now = x.now.Add(copyTime)
	require.Equal(t, 1, x.edit(t, x.a, adds("3")))
	x.now = x.now.Add(copyTime - time.Microsecond)
	x.a.copies.forget(x.now)
	require.Equal(t, 1, x.a.copies.order.Len())
	x.now = x.now.Add(time.Microsecond)
	x.a.copies.forget(x.now)
	require.Zero(t, x.a.copies.order.Len())
	require.Empty(t, x.a.copies.of)
	require.Zero(t, x.a.copies.bytes)
}

// A job keeps the record that it was claimed for, whatever later edits make of the copy.
func TestJobHoldsNoReferenceIntoTheCopy(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	f := recordtest.RecordIn(machine.StateConnected)
	f.Words = []record.Word{recordtest.WordOf(5, "m1"), recordtest.WordOf(6, "m2")}
	f.Seq = 6
	x.stores(t, f)
	x.a.running = true
	var job *record.Record
	x.edit(t, x.a, func(tx *record.Transaction) error {
		job = tx.Record // claims refer to it
		tx.ForwardedIDs.Remember("m1", 2, tx.Now)
		return nil
	})
	require.True(t, x.a.busy[busyLane{benchKey(), record.ToGenesys}])
	was, err := job.Encode(benchKey(), 9)
	require.NoError(t, err)
	require.Zero(t, x.edit(t, x.a, func(tx *record.Transaction) error {
		require.NotSame(t, job, tx.Record)
		tx.Words[0].ID, tx.Words[0].Message.Text = "other", "other"
		tx.Words = tx.Words[:1]
		tx.ForwardedIDs[0]++
		tx.Handover.State = machine.StateQueued
		tx.Out.Lease = record.Lease{}
		return nil
	}))
	is, err := job.Encode(benchKey(), 9)
	require.NoError(t, err)
	require.Equal(t, string(was.Data), string(is.Data))
	require.Equal(t, "other", x.stored(t).Words[0].ID)
}

// Where the store has returned a later revision, by Due for example, an edit of the copy would only
// conflict.
func TestCopyOfAnEarlierRevisionIsDropped(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	x.edit(t, x.a, adds("1"))
	_, err := x.a.stored(t.Context(), benchKey())
	require.NoError(t, err)
	require.Zero(t, x.edit(t, x.a, adds("2")), "it is the revision of the copy")
	x.edit(t, x.b, adds("3"))
	_, err = x.a.stored(t.Context(), benchKey())
	require.NoError(t, err)
	before := x.store.puts
	require.Equal(t, 1, x.edit(t, x.a, adds("4")))
	require.Equal(t, 1, x.store.puts-before)
}

func TestCopiesAreBounded(t *testing.T) {
	t.Parallel()
	var c copies
	k := func(i int) machine.Key { return machine.Key{Channel: "shop", Customer: fmt.Sprint(i)} }
	for i := range maxCopies + 10 {
		c.put(&record.Record{}, record.Stored{Key: k(i), Revision: 1, Data: []byte("{}")}, noon().Std())
	}
	require.Equal(t, maxCopies, c.order.Len())
	require.Len(t, c.of, maxCopies)
	require.Equal(t, 2*maxCopies, c.bytes)
	_, ok := c.take(k(9), noon().Std())
	require.False(t, ok, "the one stored least recently")
	_, ok = c.take(k(10), noon().Std())
	require.True(t, ok)
	_, ok = c.take(k(10), noon().Std())
	require.False(t, ok, "an edit takes the copy out")

	big := bytes.Repeat([]byte("x"), copyBytes/2)
	for i := range 3 {
		c.put(&record.Record{}, record.Stored{Key: k(i), Revision: 1, Data: big}, noon().Std())
	}
	require.LessOrEqual(t, c.bytes, copyBytes)
	require.Equal(t, 2, c.order.Len())
	c.put(&record.Record{}, record.Stored{Key: k(2), Revision: 2, Data: []byte("{}")}, noon().Std())
	require.Equal(t, 2, c.order.Len())
	x, _ := c.take(k(2), noon().Std())
	require.EqualValues(t, 2, x.revision)
}

// A webhook is reported as a replay by what the last round of its edit found, not by what an old
// copy said.
func TestReplayByAnOldCopyIsNotReported(t *testing.T) {
	t.Parallel()
	x := newBench(t)
	replays := 0
	x.a.config.Observer = func(_ context.Context, o Observation) {
		if o.Op == OpReplay {
			replays++
		}
	}
	k, err := x.a.channel(t.Context(), "shop")
	require.NoError(t, err)
	k.account.Observe(genesys.Call{Sent: x.now, Received: x.now, Date: x.now})
	old := webhook.Notification{Channel: "shop", Outbound: openmessaging.Outbound{
		ID: "a1", CustomerID: benchKey().Customer, ConversationID: "c1", Time: ago(time.Hour).Std(),
		Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: "hello"},
	}}
	x.edit(t, x.a, adds("1"))
	require.NoError(t, x.a.Receive(t.Context(), old))
	require.Equal(t, 1, replays)
	x.edit(t, x.a, adds("2"))
	x.edit(t, x.b, func(tx *record.Transaction) error {
		tx.ReceivedIDs.Remember("a1", record.ReceivedID, tx.Now)
		return nil
	})
	require.NoError(t, x.a.Receive(t.Context(), old))
	require.Equal(t, 1, replays)
}
