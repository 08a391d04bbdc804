package genesystest_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestUntil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		genesystest.Until(t, func() bool { return true })
		require.Zero(t, time.Since(began), "asked at once")
		genesystest.Until(t, func() bool { return time.Since(began) >= 20*time.Hour })
		require.Less(t, time.Since(began), 20*time.Hour+2*time.Minute, "at most a thousandth later")

		began = time.Now()
		require.Contains(t, fatalText(t, func(tb genesystest.TB) { genesystest.Until(tb, func() bool { return false }) }), "24h")
		require.GreaterOrEqual(t, time.Since(began), 24*time.Hour)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := genesystest.New(t).Await(ctx, func() bool { return false })
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestWaitWithoutOffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		began := time.Now()
		require.Contains(t, fatalText(t, func(tb genesystest.TB) { ann.Wait(tb) }), "no conversation was offered to the agent Ann")
		require.Equal(t, 24*time.Hour, time.Since(began))
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, context.Canceled)
		defer cancel()
		_, err := ann.Next(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, org.Close())
		_, err = ann.Next(t.Context())
		require.ErrorContains(t, err, "closed")
	})
}

func TestClockOffset(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour, "by seconds": -90 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.WithClockOffset(offset))
				bot := listen(org)
				events := dial(t, org).listening("v2.routing.queues." + org.Queue("Support").ID() + ".conversations.messages")
				api, chat := connected(t, org)
				require.Equal(t, time.Now().Add(offset).UTC().Truncate(time.Millisecond), org.Now())
				now := wireTime(org.Now())
				require.NotEmpty(t, chat.Say("Hello"))
				genesystest.Until(t, func() bool { return len(bot.got()) == 1 })
				require.Equal(t, now, bot.got()[0]["channel"].(map[string]any)["time"])

				_, h, body := api.sendFull(api.request(t.Context(), "GET", "/api/v2/conversations/messages/"+chat.Conversation().ID(), ""))
				require.Equal(t, org.Now().Format(http.TimeFormat), h.Get("Date"))
				agent := list(body, "participants")[4]
				require.Equal(t, now, agent["connectedTime"])
				require.Equal(t, now, list(agent, "messages")[0]["messageTime"])
				synctest.Wait()
				snapshots := bodies(events.take())
				require.Equal(t, now, list(snapshots[len(snapshots)-1], "participants")[4]["connectedTime"])
				require.Equal(t, time.Now(), org.Deliveries()[0].Time.Add(10*time.Millisecond), "a Delivery has the host's time")

				org.SetClockOffset(48 * time.Hour)
				require.Equal(t, wireTime(time.Now().Add(time.Hour)), wireTime(org.Now()), "an hour is the limit")
				chat.End()
				ended := wireTime(org.Now())
				org.SetClockOffset(0)
				require.Equal(t, wireTime(time.Now()), wireTime(org.Now()))
				require.Equal(t, ended, list(api.read(chat.Conversation().ID()), "participants")[4]["endTime"])
			})
		})
	}
}

func TestEveryAnswerHasADate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors(), genesystest.WithClockOffset(-30*time.Minute))
		api := dial(t, org)
		org.Inject(genesystest.Fault{Op: "routing.queues.list"})
		for path, want := range map[string]int{queuesPath: 503, "/api/v2/nothing": 404, queuesPath + "/x": 404, "/api/v2/downloads/x": 404} {
			status, h, _ := api.sendFull(api.request(t.Context(), http.MethodGet, path, ""))
			require.Equal(t, want, status)
			require.Equal(t, []string{org.Now().Format(http.TimeFormat)}, h.Values("Date"), path)
		}
		_, uri := api.channel()
		conn, res, err := websocket.Dial(t.Context(), uri, &websocket.DialOptions{HTTPClient: api.client}) //nolint:bodyclose // Dial documents that there is none to close
		require.NoError(t, err)
		require.Equal(t, org.Now().Format(http.TimeFormat), res.Header.Get("Date"))
		require.NoError(t, conn.CloseNow())
	})
}

func TestChannelExpiresByGenesysClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithClockOffset(time.Hour), genesystest.WithTokenLifetime(100*time.Hour))
		api := dial(t, org)
		_, body := api.do(http.MethodPost, channelsPath, "")
		require.Equal(t, wireTime(org.Now().Add(24*time.Hour)), body["expires"])
		<-time.After(24*time.Hour - time.Second)
		require.Equal(t, http.StatusOK, api.head(body["id"].(string)))
		<-time.After(2 * time.Second)
		require.Equal(t, http.StatusNotFound, api.head(body["id"].(string)), "24 h by any clock")
	})
}
