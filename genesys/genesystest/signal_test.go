package genesystest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestSignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		events := make(chan string, 64)
		org.Signal(changes(events))
		api := dial(t, org)
		id := api.handOver("c1", "hello")
		ann.Wait(t).Accept().End()
		synctest.Wait()
		close(events)
		all := slices.Collect(func(yield func(string) bool) {
			for s := range events {
				if !yield(s) {
					return
				}
			}
		})
		require.GreaterOrEqual(t, len(all), 6, "opened, flow, queue, queue, ringing, connected, ended")
		require.Equal(t, []string{id}, slices.Compact(all))
	})
}

// signalTimes returns the times of the signals of n revived conversations.
func signalTimes(t *testing.T, n int, f genesystest.SignalFaults) (times []time.Duration) {
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
			api.postText("c1", "hello")
			org.Conversation("c1").Disconnect("inactivity")
		}
		<-time.After(time.Hour)
	})
	return times
}

func TestDisturbedSignals(t *testing.T) {
	t.Parallel()
	require.Len(t, signalTimes(t, 100, genesystest.SignalFaults{}), 200, "without faults")
	require.Empty(t, signalTimes(t, 10, genesystest.SignalFaults{Lost: 1}))
	require.Len(t, signalTimes(t, 10, genesystest.SignalFaults{Doubled: 1}), 40)

	lost := len(signalTimes(t, 500, genesystest.SignalFaults{Lost: 0.3, Seed: 1}))
	require.InDelta(t, 700, lost, 60)
	late := signalTimes(t, 500, genesystest.SignalFaults{Late: 0.3, Within: time.Minute, Seed: 2})
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
	first, again := signalTimes(t, 50, f), signalTimes(t, 50, f)
	require.Equal(t, first, again, "the same seed, the same signals")
	f.Seed = 8
	require.NotEqual(t, first, signalTimes(t, 50, f))
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
		require.NotEmpty(t, s.conn, "heartbeats are not affected")

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
		require.Contains(t, snapshotLegs(got[1]), "customer connected", "a later event overtook it")
	})
}

func TestTypingIsNoSignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, _ := connected(t, org)
		events := make(chan string, 64)
		org.Signal(changes(events))
		status, body := api.do(http.MethodPost, api.inbound("event"), `{`+okChannel+`,"events":[{"eventType":"Typing"}]}`)
		require.Equal(t, http.StatusOK, status, fmt.Sprint(body))
		api.postText("c1", "a message neither")
		<-time.After(time.Second)
		require.Empty(t, events)
	})
}
