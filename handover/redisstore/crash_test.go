package redisstore_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
)

// Every acknowledged Put is there after a crash of Redis in the middle of writes, each record is
// whole, and the indexes agree. A crash of the machine is not tested: the kernel keeps what a
// killed process wrote.
func TestCrash(t *testing.T) {
	t.Parallel()
	const writers, crashes = 8, 3
	own := start(t)
	s := newStore(t, connect(t, own.addr))
	var acknowledged [writers]uint64
	for range crashes {
		var done atomic.Int64
		enough := make(chan struct{})
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for rev := acknowledged[w]; ; {
					r := record(strconv.Itoa(w), rev+1)
					if err := s.Put(t.Context(), r, rev); err != nil {
						return
					}
					rev++
					acknowledged[w] = rev
					if done.Add(1) == 300 {
						close(enough)
					}
				}
			})
		}
		<-enough
		own.kill(t)
		group.Wait()
		own.run(t)
		for w := range writers {
			got, err := s.Get(t.Context(), record(strconv.Itoa(w), 1).Key)
			require.NoError(t, err)
			require.GreaterOrEqual(t, got.Revision, acknowledged[w], "an acknowledged write is gone")
			require.LessOrEqual(t, got.Revision, acknowledged[w]+1, "only the last write may be unknown")
			whole(t, s, got)
			acknowledged[w] = got.Revision
		}
	}
	due, err := s.Due(t.Context(), handover.DueQuery{Now: time.UnixMicro(1 << 40), Limit: 2 * writers})
	require.NoError(t, err)
	require.Len(t, due, writers)
}

// whole fails unless the record and all indexes have the same write.
func whole(t *testing.T, s *redisstore.Store, got handover.Record) {
	t.Helper()
	require.Equal(t, record(got.Key.Customer, got.Revision), got)
	found, err := s.Find(t.Context(), got.Key.Channel, got.ConversationID)
	require.NoError(t, err)
	require.Equal(t, got, found)
	before, err := s.Due(t.Context(), handover.DueQuery{Now: got.WakeAt.Add(-time.Microsecond), Limit: 100})
	require.NoError(t, err)
	require.NotContains(t, before, got)
	at, err := s.Due(t.Context(), handover.DueQuery{Channel: got.Key.Channel, Now: got.WakeAt, Limit: 100})
	require.NoError(t, err)
	require.Contains(t, at, got)
	var all []handover.Record
	for r, err := range s.All(t.Context(), got.Key.Channel) {
		require.NoError(t, err)
		all = append(all, r)
	}
	require.Contains(t, all, got)
}
