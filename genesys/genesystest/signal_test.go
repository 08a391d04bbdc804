package genesystest_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// signalled counts the signals of so many revived conversations, and how late the latest was.
func signalled(t *testing.T, n int, f genesystest.SignalFaults) (times []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithoutFlow(), genesystest.WithRateLimit(0))
		var mu sync.Mutex
		began := time.Now()
		org.Signal(func(context.Context, string) error {
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Since(began))
			return nil
		})
		org.DisturbSignals(f)
		api := dial(t, org)
		for range n {
			api.say("c1", "hello")
			org.Conversation("c1").Disconnect("inactivity")
		}
		<-time.After(time.Hour)
	})
	return times
}

func TestDisturbedSignals(t *testing.T) {
	t.Parallel()
	require.Len(t, signalled(t, 100, genesystest.SignalFaults{}), 200, "nothing is wrong")
	require.Empty(t, signalled(t, 10, genesystest.SignalFaults{Lost: 1}))
	require.Len(t, signalled(t, 10, genesystest.SignalFaults{Doubled: 1}), 40)

	lost := len(signalled(t, 500, genesystest.SignalFaults{Lost: 0.3, Seed: 1}))
	require.InDelta(t, 700, lost, 60)
	late := signalled(t, 500, genesystest.SignalFaults{Late: 0.3, Within: time.Minute, Seed: 2})
	require.Len(t, late, 1000)
	delayed := 0
	for _, d := range late {
		require.LessOrEqual(t, d, time.Minute)
		if d > 0 {
			delayed++
		}
	}
	require.InDelta(t, 300, delayed, 60)

	f := genesystest.SignalFaults{Lost: 0.3, Doubled: 0.3, Late: 0.3, Seed: 7}
	first, again := signalled(t, 50, f), signalled(t, 50, f)
	require.Equal(t, first, again, "the same seed, the same signals")
	f.Seed = 8
	require.NotEqual(t, first, signalled(t, 50, f))
}

func TestDisturbedNotifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		s := api.listening(supportTopic(org))
		org.DisturbSignals(genesystest.SignalFaults{Lost: 1})
		api.handOver("c1", "hello")
		chat := ann.Wait(t).Accept()
		<-time.After(time.Minute)
		require.Empty(t, s.take())
		require.NotEmpty(t, s.conn, "heartbeats come all the same")

		org.DisturbSignals(genesystest.SignalFaults{Doubled: 1})
		chat.Park()
		synctest.Wait()
		twice := s.take()
		require.Len(t, twice, 2)
		require.Equal(t, twice[0], twice[1])

		org.DisturbSignals(genesystest.SignalFaults{Late: 1})
		chat.Resume()
		org.DisturbSignals(genesystest.SignalFaults{})
		chat.End()
		<-time.After(10 * time.Second)
		synctest.Wait()
		got := bodies(s.take())
		require.Len(t, got, 2)
		require.Contains(t, snapshotLegs(got[0]), "customer disconnected")
		require.Contains(t, snapshotLegs(got[1]), "customer connected", "overtaken: it shows what was")
	})
}
