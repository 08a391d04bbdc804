package genesystest_test

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestWebhooksDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		bot := listen(org)
		_, chat := connected(t, org)
		org.WebhooksDown(true)
		lost := chat.Say("lost")
		<-time.After(12 * time.Second)
		late := chat.Say("late")
		<-time.After(14 * time.Second)
		require.Equal(t, "Failed", chat.Status(lost))
		org.WebhooksDown(false)
		<-time.After(time.Minute)
		require.Equal(t, "Sent", chat.Status(late))
		require.Len(t, bot.got(), 1)
		require.Equal(t, "late", bot.got()[0]["text"])
		tries := map[string]int{}
		for _, d := range org.Deliveries() {
			tries[d.MessageID]++
			if d.Status == 0 {
				require.ErrorIs(t, d.Err, syscall.ECONNREFUSED)
			}
		}
		require.Equal(t, map[string]int{lost: 6, late: 4}, tries)
	})
}
