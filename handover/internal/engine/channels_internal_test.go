package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// A refused request makes the next call look the channel up again. Callers hold a channel without
// a lock, so it does not change under them.
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
