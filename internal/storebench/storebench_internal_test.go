package storebench

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// pollsPast is how long after connect the reads of a conversation are at least a minute apart.
const pollsPast = 70 * time.Second

// A relayed message costs two writes with the stub and with the fake organisation, its webhooks and
// receipts.
func TestWritesPerMessage(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) (d *desk, ways []direction){
		"stub": func(t *testing.T) (*desk, []direction) {
			t.Helper()
			d := openDesk(t, handover.NewMemoryStore(), 3)
			return d, []direction{d.toAgent, d.toCustomer}
		},
		"fake": func(t *testing.T) (*desk, []direction) {
			t.Helper()
			o := openOffice(t, handover.NewMemoryStore(), 3)
			return o.desk, []direction{o.toAgent, o.toCustomer}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, ways := open(t)
				<-time.After(pollsPast)
				for _, way := range ways {
					const n = 10
					for _, c := range d.customers {
						require.NoError(t, way(t.Context(), c)) // proves that the agent is there
					}
					synctest.Wait()
					puts, tasks := d.store.puts.Load(), d.tasks.Load()
					for range n {
						for _, c := range d.customers {
							require.NoError(t, way(t.Context(), c))
							synctest.Wait()
						}
					}
					require.Zero(t, d.tasks.Load()-tasks, "a poll would be counted as writes of messages")
					require.EqualValues(t, 2*n*len(d.customers), d.store.puts.Load()-puts)
				}
			})
		})
	}
}

// Seeded records are stored and not due.
func TestSeed(t *testing.T) {
	t.Parallel()
	sample := handover.Record{Data: []byte(`{}`)}
	for name, s := range map[string]handover.Store{"one by one": handover.NewMemoryStore(), "bulk": &bulk{Store: handover.NewMemoryStore()}} {
		const n = 200
		require.NoError(t, seed(t.Context(), s, asleep(sample, n), n), name)
		found := 0
		for r, err := range s.All(t.Context(), "asleep") {
			require.NoError(t, err, name)
			require.Equal(t, sample.Data, r.Data)
			got, err := s.Find(t.Context(), "asleep", r.ConversationID)
			require.NoError(t, err, name)
			require.Equal(t, r.Key, got.Key, name)
			found++
		}
		require.Equal(t, n, found, name)
		due, err := s.Due(t.Context(), handover.DueQuery{Now: time.Now().Add(100 * time.Hour), Limit: n})
		require.NoError(t, err, name)
		require.Empty(t, due, name)
	}
	require.ErrorIs(t, seed(t.Context(), &bulk{broken: errBroken}, asleep(sample, 1), 1), errBroken)
	require.ErrorIs(t, seed(t.Context(), brokenStore{}, asleep(sample, 100), 100), errBroken)
}

var errBroken = errors.New("broken")

type bulk struct {
	handover.Store

	broken error
}

func (s *bulk) Seed(ctx context.Context, records iter.Seq[handover.Record]) error {
	for r := range records {
		if s.broken != nil {
			return s.broken
		}
		if err := s.Put(ctx, r, 0); err != nil {
			return err
		}
	}
	return nil
}

type brokenStore struct{ handover.Store }

func (brokenStore) Put(context.Context, handover.Record, uint64) error { return errBroken }

// The measured records have the sizes that their names suggest.
func TestRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fresh, some, many, all := recordOf(t, 0), typical(t), recordOf(t, manyMessages/2), full(t)
		require.Less(t, len(fresh.Data), 2<<10)
		require.Less(t, len(some.Data), 6<<10)
		require.Less(t, len(many.Data), 40<<10, "no call waits 2 s, so 84 messages count as unanswered")
		require.Greater(t, len(all.Data), 700<<10, "both lanes are full: 256 and 512 KiB")
		require.Less(t, len(all.Data), 3<<19, "the limit of a record")
	})
}

func TestSizes(t *testing.T) {
	require.Equal(t, 7, size(t, "STOREBENCH_NONE", 7))
	t.Setenv("STOREBENCH_SOME", "12")
	require.Equal(t, 12, size(t, "STOREBENCH_SOME", 7))
}

// The baseline counts writes, and each write changes WakeAt.
func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{Store: handover.NewMemoryStore()}
		chains := chainsOf(t, s, handover.Record{}, 4)
		s.pause = 10 * time.Millisecond
		require.InDelta(t, 400, rate(t, chains), 1)
		require.Equal(t, chains[0].next.Revision, chains[0].prev+1)
	})
}

type slow struct {
	handover.Store

	pause time.Duration
}

func (s *slow) Put(ctx context.Context, r handover.Record, prev uint64) error {
	<-time.After(s.pause)
	return s.Store.Put(ctx, r, prev)
}

func TestMedian(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 3, median([]time.Duration{9, 1, 3}))
	require.EqualValues(t, 1, median([]time.Duration{0, 0}), "a ratio needs something to divide by")
	require.EqualValues(t, 98, percentile([]time.Duration{98, 2, 99, 1}, 99))
}
