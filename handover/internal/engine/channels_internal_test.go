package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/stretchr/testify/require"
)

// TestDoubtLeavesTheChannelOfACallerAlone checks that a refused request makes the next call look
// the channel up again. Callers hold a channel without a lock, so it does not change under them.
func TestDoubtLeavesTheChannelOfACallerAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := shopOn(newMapStore())
		held, err := m.channel(t.Context(), "shop")
		require.NoError(t, err)
		again, err := m.channel(t.Context(), "shop")
		require.NoError(t, err)
		require.Same(t, held, again, "no second lookup within a minute")

		<-time.After(refreshTime)
		until := held.until
		m.doubtChannel("shop", genesys.ErrUnauthorized)
		require.Equal(t, until, held.until)
		fresh, err := m.channel(t.Context(), "shop")
		require.NoError(t, err)
		require.Equal(t, time.Now().Add(channelTime), fresh.until, "looked up again")
	})
}

// TestWaitingForAChannelUsesTheEnvironment checks that callers of a lookup wait through the
// environment, also for the lookup of another caller.
func TestWaitingForAChannelUsesTheEnvironment(t *testing.T) {
	t.Parallel()
	waits, answer := make(chan struct{}, 2), make(chan struct{})
	asked := make(chan struct{})
	d := environment.New()
	d.Wait = func(ctx context.Context, _ time.Duration, ready <-chan struct{}) (bool, error) {
		waits <- struct{}{}
		return environment.Wait(ctx, time.Minute, ready)
	}
	m := New(Config{
		Channels: func(context.Context, string) (Channel, error) {
			close(asked)
			<-answer
			return Channel{}, record.ErrNoChannel
		},
		Deliver: func(context.Context, record.Delivery) error { return nil }, Return: func(context.Context, record.Return) error { return nil },
	}, d)
	results := make(chan error, 2)
	ask := func() {
		_, err := m.channel(t.Context(), "shop")
		results <- err
	}
	go ask()
	<-asked
	go ask()
	<-waits
	<-waits
	close(answer)
	require.ErrorIs(t, <-results, record.ErrNoChannel)
	require.ErrorIs(t, <-results, record.ErrNoChannel)
}
