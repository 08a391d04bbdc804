package notifications_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

// Genesys allows 20 channels, so 25 replicas without an owner would evict each other.
func TestReplicasShareOneChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, row := newStub(t), &sharedRow{}
		logs := make([]*log, 25)
		stops := make([]func(), 25)
		for i := range logs {
			logs[i] = &log{}
			stops[i] = start(t, s, logs[i], logs[i].changed, row.replica(i+1))
		}
		for round := range 10 {
			pass(time.Minute)
			require.Equal(t, 1, s.open(), "one holds the socket")
			conversation := string(rune('a' + round))
			s.send(t, event(conversation))
			synctest.Wait()
			received := 0
			for _, l := range logs {
				received += l.number(conversation)
			}
			require.Equal(t, 1, received, "one replica gets the event")
			var holder int
			row.with(func() { holder = row.holder - 1 })
			stops[holder]()
			pass(15 * time.Second)
			require.Equal(t, 1, s.open(), "another took over at once")
		}
		require.Equal(t, 1, s.created(), "they all used the first one's channel")
		row.with(func() { require.Equal(t, 11, row.takes) })
	})
}

func TestSocketClosesWhenOwnershipIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &sharedRow{}
		start(t, s, l, l.changed, row.replica(1))
		pass(time.Minute)
		require.Equal(t, 1, s.open())
		row.with(func() { row.holder, row.until = 2, time.Now().Add(time.Minute) })
		pass(11 * time.Second)
		require.Zero(t, s.open(), "closed")
		require.Len(t, l.of(notifications.Disowned), 1)
		require.ErrorContains(t, l.of(notifications.Disowned)[0].Err, "another replica")
		row.with(func() { require.Equal(t, 2, row.holder, "it does not release what another replica holds") })

		pass(45 * time.Second)
		n := l.number("")
		pass(20 * time.Second)
		require.Equal(t, 1, s.open(), "taken again after the other lease expired")
		require.Equal(t, n+1, l.number(""))
		require.Equal(t, 1, s.created())
	})
}

func TestOwnershipEndsWithoutConfirmation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &sharedRow{}
		start(t, s, l, l.changed, row.replica(1))
		pass(time.Minute)
		row.with(func() { row.down = true })
		pass(15 * time.Second)
		require.Equal(t, 1, s.open(), "a short failure has no effect")
		row.with(func() { row.down = false })
		pass(time.Minute)
		require.Empty(t, l.of(notifications.Disowned))

		row.with(func() { row.down = true })
		pass(31 * time.Second)
		require.Zero(t, s.open())
		require.Len(t, l.of(notifications.Disowned), 1)
		require.ErrorContains(t, l.of(notifications.Disowned)[0].Err, "could not be confirmed")
		require.True(t, l.failed(errDown))
		pass(10 * time.Minute)
		require.Less(t, len(l.of(notifications.Failed)), 100)
		row.with(func() { row.down = false })
		pass(15 * time.Second)
		require.Equal(t, 1, s.open())
		require.Equal(t, 1, s.created())
	})
}

// slow blocks until its context ends while the row is down.
type slow struct{ owner }

func (o *slow) Own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	var down bool
	o.sharedRow.with(func() { down = o.sharedRow.down })
	if down {
		<-ctx.Done()
		return false, nil, ctx.Err()
	}
	return o.owner.Own(ctx, state, d)
}

func TestHangingOwnerEndsOwnershipInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &sharedRow{}
		stop := start(t, s, l, l.changed, notifications.WithOwner(&slow{owner{row, 1}}))
		pass(time.Minute)
		row.with(func() { row.down = true })
		pass(31 * time.Second)
		require.Zero(t, s.open())
		began := time.Now()
		stop()
		require.Zero(t, time.Since(began))
	})
}

func TestLostOwnershipCausesNoResync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &sharedRow{}
		start(t, s, l, l.changed, row.replica(1))
		pass(5 * time.Minute)
		s.with(func() { s.fail = func(string, int) int { return http.StatusServiceUnavailable } })
		s.cut()
		pass(15 * time.Second)
		row.with(func() { row.holder, row.until = 2, time.Now().Add(time.Hour) })
		pass(10 * time.Minute)
		require.Equal(t, 1, l.number(""))
	})
}

// always is a broken Owner: every replica holds the channel.
type always struct{ owner }

func (o *always) Own(_ context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	o.sharedRow.with(func() {
		if last = o.sharedRow.state; state != nil {
			o.sharedRow.state = state
		}
	})
	return d > 0, last, nil
}

// Two owners, for example because of different clocks, close each other's sockets. The rate of
// reconnects must stay low.
func TestTwoOwnersReconnectSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, row := newStub(t), &sharedRow{}
		for n := range 2 {
			l := &log{}
			start(t, s, l, l.changed, notifications.WithOwner(&always{owner{row, n}}))
		}
		pass(10 * time.Minute)
		require.LessOrEqual(t, s.number("dial"), 60)
		require.Equal(t, 1, s.created())
		require.LessOrEqual(t, s.open(), 1)
	})
}

func TestUnstoredChannelIsUsedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &sharedRow{}
		s.fail = func(call string, _ int) int {
			if call == http.MethodPost {
				row.with(func() { row.down = true })
			}
			return 0
		}
		start(t, s, l, l.changed, row.replica(1))
		pass(40 * time.Second)
		row.with(func() { require.Nil(t, row.state) })
		require.Zero(t, s.open())
		row.with(func() { row.down = false })
		pass(15 * time.Second)
		require.Equal(t, 1, s.open())
		require.Equal(t, 1, s.created())
	})
}

func TestStateIsStoredAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &sharedRow{}
		s.fail = func(call string, _ int) int {
			row.with(func() { row.down = call == http.MethodPost })
			return 0
		}
		start(t, s, l, l.changed, row.replica(1))
		row.with(func() { require.Nil(t, row.state) })
		pass(15 * time.Second)
		row.with(func() { require.Contains(t, string(row.state), "channel-1") })
		pass(time.Hour)
		row.with(func() { require.Equal(t, 1, row.stores) })
	})
}

// Other credentials made the stored channel, so Genesys refuses it.
func TestForeignChannelIsReplaced(t *testing.T) {
	t.Parallel()
	for _, call := range []string{http.MethodHead, http.MethodPut} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, l, row := newStub(t), &log{}, &sharedRow{state: []byte(`{"id":"other","uri":"wss://streaming.test/channels/other"}`)}
				s.with(func() { s.channels["other"] = &stubChannel{} })
				s.fail = func(c string, n int) int { return map[bool]int{true: 403}[c == call && n == 1] }
				start(t, s, l, l.changed, row.replica(1))
				pass(5 * time.Second)
				require.Equal(t, 1, s.created())
				require.Equal(t, 1, s.open())
			})
		})
	}
}

func TestUnusableStateIsReplaced(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{
		"not JSON":      "{",
		"empty":         "{}",
		"a bad address": `{"id":"channel-1","uri":"http://elsewhere.test/"}`,
		"gone":          `{"id":"old","uri":"wss://streaming.test/channels/old"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, l, row := newStub(t), &log{}, &sharedRow{state: []byte(state)}
				start(t, s, l, l.changed, row.replica(1))
				require.Equal(t, 1, s.open())
				require.Equal(t, 1, s.created())
				row.with(func() { require.Contains(t, string(row.state), "channel-1") })
			})
		})
	}
}

func TestNextOwnerReplacesTopicsOnTheSameChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, row, a, b := newStub(t), &sharedRow{}, &log{}, &log{}
		stop := start(t, s, a, a.changed, row.replica(1))
		other := []notifications.Topic{notifications.QueueMessages("other")}
		startTopics(t, s, other, b, b.changed, row.replica(2))
		pass(time.Minute)
		require.Zero(t, b.number(""), "a waiting replica gets no calls")
		stop()
		pass(15 * time.Second)
		require.Equal(t, []string{"POST", "PUT", "dial", "HEAD", "PUT", "dial"}, s.all())
		s.with(func() { require.Equal(t, []string{string(other[0])}, s.channels["channel-1"].topics) })
		require.Equal(t, 1, b.number(""))
	})
}

func TestReleaseKeepsTheState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &sharedRow{}
		stop := start(t, s, l, l.changed, row.replica(1))
		pass(time.Minute)
		row.with(func() { require.Greater(t, time.Until(row.until), 15*time.Second) })
		stop()
		row.with(func() {
			require.LessOrEqual(t, time.Until(row.until), time.Duration(0))
			require.Contains(t, string(row.state), "wss://streaming.test/channels/channel-1")
			require.Less(t, len(row.state), 400)
		})
		synctest.Wait() // the server sees the closed connection
		require.Zero(t, s.open())
	})
}

// A reporter is an owner that records the reports.
type reporter struct {
	owner

	fails   int // number of reports to fail
	reports []bool
}

// Report implements notifications.Reporter.
func (r *reporter) Report(_ context.Context, alive bool) error {
	r.sharedRow.mu.Lock()
	defer r.sharedRow.mu.Unlock()
	if r.fails > 0 {
		r.fails--
		return errors.New("not now")
	}
	r.reports = append(r.reports, alive)
	return nil
}

func TestReporterGetsEachChangeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &sharedRow{}
		r := &reporter{owner: owner{row, 1}, fails: 2}
		start(t, s, l, l.changed, notifications.WithOwner(r))
		heard := func(want ...bool) {
			t.Helper()
			row.with(func() { require.Equal(t, want, r.reports) })
		}
		pass(time.Minute)
		heard(true)
		for range 20 {
			s.cut()
			pass(10 * time.Second)
		}
		heard(true)
		pass(2 * time.Minute) // there may have been no connection for a while before the last cut
		s.with(func() { s.fail = func(string, int) int { return http.StatusServiceUnavailable } })
		s.cut()
		pass(50 * time.Second)
		heard(true)
		pass(30 * time.Second)
		heard(true, false)
		pass(10 * time.Minute)
		heard(true, false)
		s.with(func() { s.fail = nil })
		pass(90 * time.Second)
		heard(true, false, true)
	})
}
