package genesystest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	t.Run("duplicates", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org := genesystest.New(t)
			bot := listen(org)
			_, chat := connected(t, org)
			org.InjectWebhook(genesystest.WebhookFault{Duplicates: 2, Apart: 19 * time.Second})
			began := time.Now()
			chat.Say("one")
			<-time.After(time.Minute)
			require.Equal(t, []string{"one", "one", "one"}, texts(bot))
			require.Equal(t, []time.Duration{0, 19 * time.Second, 38 * time.Second}, bot.at(began))
		})
	})
	t.Run("delay reorders", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org := genesystest.New(t)
			bot := listen(org)
			_, chat := connected(t, org)
			org.InjectWebhook(genesystest.WebhookFault{Delay: time.Second})
			chat.Say("one")
			chat.Say("two")
			<-time.After(time.Minute)
			require.Equal(t, []string{"two", "one"}, texts(bot))
		})
	})
	t.Run("forged and lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org := genesystest.New(t)
			bot := listen(org)
			_, chat := connected(t, org)
			org.InjectWebhook(genesystest.WebhookFault{Forge: true})
			org.InjectWebhook(genesystest.WebhookFault{Lose: true})
			forged, lost := chat.Say("one"), chat.Say("two")
			chat.Say("three")
			<-time.After(time.Hour)
			require.Equal(t, []string{"three"}, texts(bot))
			require.Equal(t, 1, bot.forgeries())
			require.Equal(t, []string{"Failed", "Failed"}, []string{chat.Status(forged), chat.Status(lost)})
		})
	})
	t.Run("rotated secret", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org := genesystest.New(t)
			bot := listen(org)
			_, chat := connected(t, org)
			next := org.RotateSecret()
			require.GreaterOrEqual(t, len(next), 32)
			chat.Say("one")
			synctest.Wait()
			require.Equal(t, 1, bot.forgeries(), "the bot knows the old one only")
			require.Equal(t, next, org.Channel().WebhookSecrets[0].Reveal())
			bot.mu.Lock()
			bot.secret = next
			bot.mu.Unlock()
			chat.Say("two")
			<-time.After(time.Second)
			require.Equal(t, []string{"two"}, texts(bot))
		})
	})
}

func TestOtherBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithPublishedReceipts())
		bot := listen(org)
		api, chat := connected(t, org)
		<-time.After(time.Second)
		published := bot.got()[0]
		require.Equal(t, "Receipt", published["type"])
		require.Equal(t, "Published", published["status"])
		require.Equal(t, "p1", published["channel"].(map[string]any)["messageId"])

		chat.Type()
		file := chat.Attach("image/png", "bill.png", []byte("\x89PNG"))
		chat.QuickReplies("Solved?", "Yes", "No")
		own := chat.Post([]byte(`{"type":"Structured","content":[{"contentType":"Future","future":{"a":1}}],"extra":true}`))
		named := chat.Post([]byte(`{"id":"mine","text":"x"}`))
		broken := chat.Post([]byte(`not JSON`))
		bot0 := org.Conversation("c1").FlowSays("We are closed")
		<-time.After(time.Second)

		got := bot.got()[1:]
		require.Len(t, got, 7)
		require.Equal(t, []any{map[string]any{"eventType": "Typing", "typing": map[string]any{"type": "On", "duration": 5000.0}}}, got[0]["events"])
		require.Equal(t, "Event", got[0]["type"])
		require.Equal(t, file, got[1]["id"])
		require.NotContains(t, got[1], "text")
		a := got[1]["content"].([]any)[0].(map[string]any)["attachment"].(map[string]any)
		require.Equal(t, "Image", a["mediaType"])
		require.InDelta(t, 4, a["contentSizeBytes"], 0)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a["url"].(string), http.NoBody)
		require.NoError(t, err)
		require.Equal(t, "api-downloads.mypurecloud.ie", req.URL.Host)
		res, err := api.client.Do(req)
		require.NoError(t, err)
		require.Equal(t, "image/png", res.Header.Get("Content-Type"))
		require.NoError(t, res.Body.Close())

		require.Equal(t, "Structured", got[2]["type"])
		require.Equal(t, "Solved?", got[2]["text"])
		require.Len(t, got[2]["content"], 2)
		require.Equal(t, own, got[3]["id"])
		require.Equal(t, true, got[3]["extra"])
		require.Equal(t, "c1", got[3]["channel"].(map[string]any)["to"].(map[string]any)["id"])
		require.Equal(t, "mine", named)
		require.Equal(t, "mine", got[4]["id"])
		require.Equal(t, map[string]any{"raw": "not JSON"}, got[5])
		require.NotEmpty(t, broken)
		require.Equal(t, bot0, got[6]["id"])
		require.Equal(t, "Bot", got[6]["originatingEntity"])
		require.Equal(t, "Sent", chat.Status("mine"))
	})
}

func TestFragileChats(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opt   genesystest.Option
		phase string
	}{
		"by default":  {nil, "connected"},
		"the reports": {genesystest.WithFragileChats(), "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, tc.opt)
				bot := listen(org)
				api, chat := connected(t, org)
				bot.answer([]int{404})
				chat.Say("Hi")
				<-time.After(time.Second)
				require.Equal(t, tc.phase, chat.Conversation().Phase())
				if tc.phase == "ended" {
					require.Equal(t, "customer disconnected error", api.legs(chat.Conversation().ID())[0])
				}
			})
		})
	}
}

func TestWithoutTyping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithoutTyping())
		bot := listen(org)
		_, chat := connected(t, org)
		chat.Type()
		<-time.After(time.Minute)
		require.Empty(t, bot.got())
	})
}
