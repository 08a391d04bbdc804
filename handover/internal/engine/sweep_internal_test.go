package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/stretchr/testify/require"
)

// offline is a network without hosts.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("offline")
}

// crowded returns a Manager that does not run, on a store with open sessions that are polled in a
// minute.
func crowded(t *testing.T, n int, with ...func(*Config)) (*Manager, *account.Account) {
	t.Helper()
	c := Config{
		Channel: Channel{
			ID: "shop", Region: region.EUCentral1, ClientID: "client", ClientSecret: "secret", AgentQueue: "Agents",
			IntegrationID: "9b1d3c5e-0000-4000-8000-000000000001", WebhookSecrets: []string{"0123456789abcdef"},
		},
		Deliver: func(context.Context, record.Delivery) error { return nil }, Return: func(context.Context, record.Return) error { return nil },
		Store: newMapStore(),
		// A lookup of a name in a bubble of synctest would break the next lookup outside of it.
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: offline{}})},
	}
	for _, f := range with {
		f(&c)
	}
	m := New(c, environment.New())
	for i := range n {
		f := recordtest.RecordIn(machine.StateConnected)
		f.Handover.Key.Customer = fmt.Sprintf("c%04d", i)
		f.Handover.ConversationID = fmt.Sprint("conversation ", i)
		f.Handover.PollAt, f.Handover.Poll, f.Handover.ReadAt = machine.TimeOf(time.Now().Add(time.Minute).UTC()), true, 0
		r, err := f.Encode(f.Handover.Key, 1)
		require.NoError(t, err)
		require.NoError(t, m.config.Store.Put(t.Context(), r, 0))
	}
	k, err := m.channel(t.Context(), "shop")
	require.NoError(t, err)
	return m, k.account
}

// An unreliable source sweeps each minute. Those sweeps must not spend slots for polls that are
// never made.
func TestSweepsSpendNoSlotsInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, a := crowded(t, 200)
		for range 40 {
			require.NoError(t, m.Recheck(t.Context(), ""))
			<-time.After(sweepPause)
		}
		require.Less(t, time.Until(a.PollSlot(machine.TimeOf(time.Now())).Std()), 10*time.Minute)
	})
}

// A contendedStore has another writer before each of the first Puts.
type contendedStore struct {
	Store

	conflicts int
}

func (s *contendedStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	if s.conflicts--; s.conflicts >= 0 {
		return record.ErrConflict
	}
	return s.Store.Put(ctx, r, prev)
}

// TestConflictsOfASweepSpendNoSlots checks that a sweep which conflicts with another writer holds
// one slot.
func TestConflictsOfASweepSpendNoSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, a := crowded(t, 1)
		s := &contendedStore{Store: m.config.Store, conflicts: 1}
		m.config.Store = s
		require.NoError(t, m.Recheck(t.Context(), ""))
		require.Negative(t, s.conflicts)
		require.Less(t, time.Until(a.PollSlot(machine.TimeOf(time.Now())).Std()), time.Second, "the second slot of the period")
	})
}

// A sickStore fails Put for some customers, and counts sweeps.
type sickStore struct {
	Store

	mu     sync.Mutex
	sick   map[string]error
	broken error
	sweeps int
}

func (s *sickStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	s.mu.Lock()
	err := s.sick[r.Key.Customer]
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.Store.Put(ctx, r, prev)
}

func (s *sickStore) All(ctx context.Context, channel string) iter.Seq2[record.Stored, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sweeps++; s.broken != nil {
		err := s.broken
		return func(yield func(record.Stored, error) bool) { yield(record.Stored{}, err) }
	}
	return s.Store.All(ctx, channel)
}

func (s *sickStore) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *sickStore) seen() (n int) {
	s.set(func() { n = s.sweeps })
	return n
}

func sickly(t *testing.T, n int) (*Manager, *sickStore) {
	t.Helper()
	s := &sickStore{Store: newMapStore()}
	m, _ := crowded(t, n, func(c *Config) { c.Store = s })
	return m, s
}

// A record that cannot be written leaves the others to the sweep.
func TestSweepContinuesAfterARecordThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, s := sickly(t, 5)
		s.set(func() { s.sick = map[string]error{"c0001": record.ErrConflict} })
		require.ErrorIs(t, m.Recheck(t.Context(), ""), record.ErrBusy)
		for i, moved := range []bool{true, false, true, true, true} {
			f, err := m.stored(t.Context(), machine.Key{Channel: "shop", Customer: fmt.Sprintf("c%04d", i)})
			require.NoError(t, err)
			require.Equal(t, moved, f.Handover.PollAt.Before(machine.TimeOf(time.Now().Add(30*time.Second))), i)
		}
		s.set(func() {
			s.sick = map[string]error{}
			for i := range 5 {
				s.sick[fmt.Sprintf("c%04d", i)] = record.ErrConflict
			}
		})
		for i := range 5 {
			k := machine.Key{Channel: "shop", Customer: fmt.Sprintf("c%04d", i)}
			r, err := m.config.Store.Get(t.Context(), k)
			require.NoError(t, err)
			f, err := record.Decode(r)
			require.NoError(t, err)
			f.Handover.PollAt = machine.TimeOf(time.Now().Add(time.Hour).UTC())
			r2, err := f.Encode(k, r.Revision+1)
			require.NoError(t, err)
			require.NoError(t, s.Store.Put(t.Context(), r2, r.Revision))
		}
		<-time.After(sweepPause)
		began := time.Now()
		require.Error(t, m.Recheck(t.Context(), ""))
		require.Less(t, time.Since(began), 4*conflictTime, "a store that accepts nothing ends it")
	})
}

// Many ask at once: one sweep begins.
func TestSweepsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, s := sickly(t, 5)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _ = m.Recheck(t.Context(), "") })
		}
		all.Wait()
		require.Equal(t, 1, s.seen())
	})
}

// A sweep that Run began and could not finish is repeated.
func TestASweepOfRunThatFailsIsMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, s := sickly(t, 1)
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan struct{})
		go func() { defer close(ran); _ = m.Run(ctx) }()
		require.NoError(t, m.Recheck(ctx, ""))
		require.NoError(t, m.Recheck(ctx, ""), "later, from Run")
		s.set(func() { s.broken = errors.New("down") })
		<-time.After(sweepPause + time.Second)
		require.Equal(t, 2, s.seen())
		s.set(func() { s.broken = nil })
		<-time.After(5 * sweepPause)
		require.Equal(t, 3, s.seen())
		stop()
		<-ran
	})
}

// A sweep moves polls forward, with a pause after the last read, and does not change requested
// reads.
func TestASweepMovesPollsOnly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*machine.Handover, machine.Time)
		want   time.Duration // from now; zero: unchanged
	}{
		"a poll":                 {func(*machine.Handover, machine.Time) {}, time.Nanosecond},
		"one was read just now":  {func(c *machine.Handover, now machine.Time) { c.ReadAt = now.Add(-time.Second) }, machine.ReadPause - time.Second},
		"a read is wanted":       {func(c *machine.Handover, _ machine.Time) { c.Poll = false }, 0},
		"the bot has it":         {func(c *machine.Handover, _ machine.Time) { c.State = machine.StateBot }, 0},
		"it is over":             {func(c *machine.Handover, _ machine.Time) { c.State = machine.StateEnded }, 0},
		"the poll is due anyway": {func(c *machine.Handover, now machine.Time) { c.PollAt = now.Add(-time.Second) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, a := crowded(t, 0)
				<-time.After(account.PollPeriod - time.Duration(time.Now().UnixNano())%account.PollPeriod)
				now := machine.TimeOf(time.Now())
				f := recordtest.RecordIn(machine.StateConnected)
				f.Handover.PollAt, f.Handover.Poll = now.Add(time.Minute), true
				test.change(f.Handover, now)
				was := f.Handover.PollAt
				r, err := f.Encode(f.Handover.Key, 1)
				require.NoError(t, err)
				require.NoError(t, m.config.Store.Put(t.Context(), r, 0))
				require.NoError(t, m.pollSoon(t.Context(), f.Handover.Key, a))
				f, err = m.stored(t.Context(), f.Handover.Key)
				require.NoError(t, err)
				if test.want == 0 {
					require.Equal(t, was, f.Handover.PollAt)
					return
				}
				require.WithinDuration(t, now.Add(test.want).Std(), f.Handover.PollAt.Std(), time.Millisecond)
				require.Equal(t, f.Handover.PollAt, f.Handover.Slot)
			})
		})
	}
}
