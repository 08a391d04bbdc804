package engine

import (
	"context"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/stretchr/testify/require"
)

// A caller that waits for the lookup of another caller waits through the environment.
func TestWaitingForAChannelUsesTheEnvironment(t *testing.T) {
	t.Parallel()
	waits, answer := make(chan struct{}), make(chan struct{})
	asked := make(chan struct{})
	d := environment.New()
	d.Wait = func(ctx context.Context, _ time.Duration, ready <-chan struct{}) (bool, error) {
		close(waits)
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
	select {
	case <-waits:
	case <-time.After(5 * time.Second):
		t.Error("the second one waits elsewhere")
	}
	close(answer)
	require.ErrorIs(t, <-results, record.ErrNoChannel)
	require.ErrorIs(t, <-results, record.ErrNoChannel)
}
