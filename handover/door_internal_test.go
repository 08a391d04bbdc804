package handover

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/internal/door"
)

// Whoever waits for an answer of Config.Channels that another has asked for waits at the door, as everywhere.
func TestWaitingForAChannelGoesThroughTheDoor(t *testing.T) {
	t.Parallel()
	waits, answer := make(chan struct{}), make(chan struct{})
	asked := make(chan struct{})
	d := newShell().door
	d.Wait = func(ctx context.Context, _ time.Duration, ready <-chan struct{}) (bool, error) {
		close(waits)
		return wait(ctx, time.Minute, ready)
	}
	m, err := NewSimulated(Config{
		Channels: func(context.Context, string) (Channel, error) {
			close(asked)
			<-answer
			return Channel{}, ErrNoChannel
		},
		Deliver: func(context.Context, Delivery) error { return nil }, Return: func(context.Context, Return) error { return nil },
	}, door.Door{Now: d.Now, Until: d.Until, Wait: d.Wait, Go: d.Go, Chance: d.Chance})
	require.NoError(t, err)
	results := make(chan error, 2)
	ask := func() {
		_, err := m.channel(t.Context(), "shop")
		results <- err
	}
	go ask()
	<-asked
	go ask()
	select {
	case <-waits:
	case <-time.After(5 * time.Second):
		t.Error("the second one waits elsewhere")
	}
	close(answer)
	require.ErrorIs(t, <-results, ErrNoChannel)
	require.ErrorIs(t, <-results, ErrNoChannel)
}
