package notifications_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

// Genesys allows 20 channels: 25 replicas without an owner would evict each other for ever.
func TestManyReplicas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, row := newStub(t), &shelf{}
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
			told := 0
			for _, l := range logs {
				told += l.number(conversation)
			}
			require.Equal(t, 1, told, "one is told")
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

func TestOwnerLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &shelf{}
		start(t, s, l, l.changed, row.replica(1))
		pass(time.Minute)
		require.Equal(t, 1, s.open())
		row.with(func() { row.holder, row.until = 2, time.Now().Add(time.Minute) })
		pass(11 * time.Second)
		require.Zero(t, s.open(), "given up")
		require.Len(t, l.of(notifications.Disowned), 1)
		require.ErrorContains(t, l.of(notifications.Disowned)[0].Err, "another replica")
		row.with(func() { require.Equal(t, 2, row.holder, "nothing was given back that is another's") })

		pass(45 * time.Second)
		n := l.number("")
		pass(20 * time.Second)
		require.Equal(t, 1, s.open(), "taken again when it was free")
		require.Equal(t, n+1, l.number(""))
		require.Equal(t, 1, s.created())
	})
}

// Without the store nobody may hold the socket longer than the last confirmation says.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &shelf{}
		start(t, s, l, l.changed, row.replica(1))
		pass(time.Minute)
		row.with(func() { row.down = true })
		pass(15 * time.Second)
		require.Equal(t, 1, s.open(), "a short failure is nothing")
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

// slow answers when its context ends.
type slow struct{ owner }

func (o *slow) Own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	var down bool
	o.shelf.with(func() { down = o.shelf.down })
	if down {
		<-ctx.Done()
		return false, nil, ctx.Err()
	}
	return o.owner.Own(ctx, state, d)
}

func TestStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &shelf{}
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

// A replica that does not hold the channel any more has nothing to say.
func TestOwnerLostWithoutConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &shelf{}
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

// always is an Owner that is wrong: everybody has it.
type always struct{ owner }

func (o *always) Own(_ context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	o.shelf.with(func() {
		if last = o.shelf.state; state != nil {
			o.shelf.state = state
		}
	})
	return d > 0, last, nil
}

// Two owners, as clocks that differ would make, kick each other out. It must not become a storm.
func TestTwoOwners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, row := newStub(t), &shelf{}
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
