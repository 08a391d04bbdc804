package integration_test

import (
	"context"
	"sync"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

// A shelf is an owner that stores the state and never loses the socket.
type shelf struct{ state []byte }

// Own implements notifications.Owner.
func (s *shelf) Own(_ context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	last = s.state
	if state != nil {
		s.state = state
	}
	return d > 0, last, nil
}

// listens makes a channel, and then listens on it again as the next replica does.
func listens(s *stage) {
	row := &shelf{}
	topics := []notifications.Topic{notifications.QueueMessages(s.queue("Support")), notifications.ConversationEnd(s.handOver())}
	for range 2 {
		connected := 0
		l, err := notifications.New(s.client, topics, notifications.WithOwner(row), notifications.WithObserver(func(e notifications.Event) {
			if e.Kind == notifications.Connected {
				connected++
			}
		}))
		require.NoError(s.t, err)
		ctx, stop := context.WithCancel(s.t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = l.Run(ctx, func(context.Context, string) error { return nil }) })
		<-time.After(time.Minute)
		synctest.Wait()
		stop()
		running.Wait()
		require.Equal(s.t, 1, connected)
	}
}
