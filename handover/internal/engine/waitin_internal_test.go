package engine

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/stretchr/testify/require"
)

// A Config.Channels that does not answer delays the wait in a notice, but not the notice.
func TestANoticeWaitsForNoChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Bool
		var left atomic.Int64 // of the time of the call, in the last Notify
		m, _ := crowded(t, 0, func(c *Config) {
			one := c.Channel
			c.Channel = Channel{}
			c.Channels = func(ctx context.Context, _ string) (Channel, error) {
				if !asked.Swap(true) { // the first, of crowded, is answered
					return one, nil
				}
				<-ctx.Done()
				return Channel{}, ctx.Err()
			}
			c.Notify = func(ctx context.Context, _ record.Notice) error {
				end, ok := ctx.Deadline()
				if ok {
					left.Store(int64(time.Until(end)))
				}
				return ctx.Err()
			}
		})
		<-time.After(2 * channelTime)
		tx := recordtest.NewTransaction(recordtest.RecordIn(machine.StateQueued))
		tx.Notice(record.Notice{Kind: machine.NoticeQueued, To: "4f1b1a5e-0000-4000-8000-000000000002"})
		ctx, cancel := m.Within(t.Context(), record.EffectTime)
		defer cancel()
		j := &record.Job{Key: tx.Key, Lane: record.ToHost, Record: tx.Record, Began: time.Now()}
		o := m.performIn(ctx, j)
		require.NoError(t, o.Err)
		require.GreaterOrEqual(t, time.Duration(left.Load()), callTime-account.WaitTime)

		left.Store(0)
		j.Began = time.Now().Add(-record.LeaseTime) // a process that stood still while it asked
		o = m.performIn(ctx, j)
		require.Equal(t, record.EffectNotPerformed, o.Effect)
		require.Zero(t, left.Load(), "the host was called")
		<-time.After(lookupTimeout) // the lookups outlive those that waited for them
	})
}
