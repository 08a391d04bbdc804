package notifications_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

// A channel that could not be stored is stored later, and used again by its maker if not.
func TestStoreFailsAfterCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &shelf{}
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

func TestStateIsPending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &shelf{}
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

// A stored channel that other credentials made is refused, and replaced.
func TestStoredStateOfOthers(t *testing.T) {
	t.Parallel()
	for _, call := range []string{http.MethodHead, http.MethodPut} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, l, row := newStub(t), &log{}, &shelf{state: []byte(`{"id":"other","uri":"wss://streaming.test/channels/other"}`)}
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

// What is stored and cannot be used is replaced.
func TestStoredStateOfNoUse(t *testing.T) {
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
				s, l, row := newStub(t), &log{}, &shelf{state: []byte(state)}
				start(t, s, l, l.changed, row.replica(1))
				require.Equal(t, 1, s.open())
				require.Equal(t, 1, s.created())
				row.with(func() { require.Contains(t, string(row.state), "channel-1") })
			})
		})
	}
}

// The next owner's topics replace those of the one before, on the same channel.
func TestOwnerChangeReusesTheChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, row, a, b := newStub(t), &shelf{}, &log{}, &log{}
		stop := start(t, s, a, a.changed, row.replica(1))
		other := []notifications.Topic{notifications.QueueMessages("other")}
		startTopics(t, s, other, b, b.changed, row.replica(2))
		pass(time.Minute)
		require.Zero(t, b.number(""), "who stands by is told nothing")
		stop()
		pass(15 * time.Second)
		require.Equal(t, []string{"POST", "PUT", "dial", "HEAD", "PUT", "dial"}, s.all())
		s.with(func() { require.Equal(t, []string{string(other[0])}, s.channels["channel-1"].topics) })
		require.Equal(t, 1, b.number(""))
	})
}

// The row as it is left: free, with what the next owner needs.
func TestRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &shelf{}
		stop := start(t, s, l, l.changed, row.replica(1))
		pass(time.Minute)
		row.with(func() { require.Greater(t, time.Until(row.until), 15*time.Second) })
		stop()
		row.with(func() {
			require.LessOrEqual(t, time.Until(row.until), time.Duration(0))
			require.Contains(t, string(row.state), "wss://streaming.test/channels/channel-1")
			require.Less(t, len(row.state), 400)
		})
		synctest.Wait() // the other end sees that it is gone
		require.Zero(t, s.open())
	})
}
