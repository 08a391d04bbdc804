package handover

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A host that does not say which channel it is holds up the wait of a notice, and not the notice.
func TestANoticeWaitsForNoChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var left time.Duration
		m, _ := crowded(t, 0, func(c *Config) {
			one := c.Channel
			c.Channel = Channel{}
			c.Channels = func(ctx context.Context, _ string) (Channel, error) {
				if left == 0 { // the first, of crowded, is answered
					left = 1
					return one, nil
				}
				<-ctx.Done()
				return Channel{}, ctx.Err()
			}
			c.Notify = func(ctx context.Context, _ Notice) error {
				end, ok := ctx.Deadline()
				if ok {
					left = time.Until(end)
				}
				return ctx.Err()
			}
		})
		<-time.After(2 * channelTime)
		e := newEdit(fileIn(StateQueued))
		e.notice(Notice{Kind: NoticeQueued, To: "4f1b1a5e-0000-4000-8000-000000000002"})
		ctx, cancel := m.within(t.Context(), effectTime)
		defer cancel()
		j := &job{key: e.key, lane: toHost, file: e.file, began: time.Now()}
		o := m.performIn(ctx, j)
		require.NoError(t, o.err)
		require.GreaterOrEqual(t, left, effectTime-2*waitTime)

		left = 1
		j.began = time.Now().Add(-leaseTime) // a process that stood still while it asked
		o = m.performIn(ctx, j)
		require.Equal(t, effectNotPerformed, o.effect)
		require.EqualValues(t, 1, left, "nobody was told")
	})
}
