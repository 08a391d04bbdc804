package genesystest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

// connected returns the desk of an agent who has the conversation of c1.
func connected(t *testing.T, org *genesystest.Org) (*raw, *genesystest.Desk) {
	t.Helper()
	ann := org.Agent("Ann", "Support")
	api := dial(t, org)
	api.handOver("c1", "hello")
	return api, ann.Wait(t).Accept()
}

func TestWebhookEnvelope(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		bot := listen(org)
		_, chat := connected(t, org)
		at := wireTime(time.Now())
		id := chat.Say("Hi <you>")
		synctest.Wait()
		integration := org.Channel().IntegrationID
		require.Len(t, id, 32)
		require.Equal(t, map[string]any{
			"id": id, "type": "Text", "text": "Hi <you>", "originatingEntity": "Human", "direction": "Outbound",
			"conversationId": chat.Conversation().ID(),
			"channel": map[string]any{
				"id": integration, "platform": "Open", "type": "Private", "time": at, "messageId": id,
				"to":   map[string]any{"id": "c1", "idType": "Opaque"},
				"from": map[string]any{"id": integration, "idType": "Opaque", "nickname": "Web chat"},
			},
		}, bot.got()[0])
		require.Zero(t, bot.forgedCount())
		d := org.Deliveries()
		require.Len(t, d, 1)
		require.Equal(t, 200, d[0].Status)
		require.Equal(t, 1, d[0].Attempt)
		require.Equal(t, id, d[0].MessageID)
	})
}

// Genesys waits 10 s for the answer and makes 5 more attempts, 5 s apart, after a timeout, 429 or
// 5xx.
func TestWebhookRetrySchedule(t *testing.T) {
	t.Parallel()
	const s = time.Second
	six := func(d time.Duration) (at []time.Duration) {
		for i := range 6 {
			at = append(at, time.Duration(i)*d)
		}
		return at
	}
	same := func(status int) []int { return []int{status, status, status, status, status, status} }
	for name, tc := range map[string]struct {
		status []int
		at     []time.Duration
		word   string
	}{
		"taken":                  {nil, []time.Duration{0}, "Sent"},
		"204":                    {[]int{204}, []time.Duration{0}, "Sent"},
		"503 once":               {[]int{503}, []time.Duration{0, 5 * s}, "Sent"},
		"429 and 500, then 200":  {[]int{429, 500}, []time.Duration{0, 5 * s, 10 * s}, "Sent"},
		"always 503":             {same(503), six(5 * s), "Failed"},
		"always 429":             {same(429), six(5 * s), "Failed"},
		"503 five times":         {same(503)[:5], six(5 * s), "Sent"},
		"400 is not retried":     {[]int{400}, []time.Duration{0}, "Failed"},
		"401 is not retried":     {[]int{401}, []time.Duration{0}, "Failed"},
		"404 after 503":          {[]int{503, 404}, []time.Duration{0, 5 * s}, "Failed"},
		"redirect is no success": {[]int{307}, []time.Duration{0}, "Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				bot := listen(org)
				_, chat := connected(t, org)
				bot.answer(tc.status)
				began := time.Now()
				id := chat.Say("Hi")
				<-time.After(time.Hour)
				require.Equal(t, tc.at, bot.at(began))
				require.Equal(t, tc.word, chat.Status(id))
				for i, d := range org.Deliveries() {
					require.Equal(t, i+1, d.Attempt)
					require.Equal(t, tc.at[i], d.Time.Sub(began))
				}
			})
		})
	}
}

func TestWebhookThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		var mu sync.Mutex
		var asked, gaveUp []time.Duration
		began := time.Now()
		org.DeliverTo(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked = append(asked, time.Since(began))
			mu.Unlock()
			<-r.Context().Done()
			mu.Lock()
			gaveUp = append(gaveUp, time.Since(began))
			mu.Unlock()
		}), "/")
		_, chat := connected(t, org)
		began = time.Now()
		id := chat.Say("Hi")
		<-time.After(84 * time.Second)
		require.Equal(t, "Sent", chat.Status(id))
		<-time.After(time.Second)
		synctest.Wait()
		require.Equal(t, "Failed", chat.Status(id), "a series of timeouts takes 85 s")
		require.Equal(t, "GeneralError", chat.Conversation().FailureReason(id))
		mu.Lock()
		defer mu.Unlock()
		for i := range 6 {
			require.Equal(t, time.Duration(i)*15*time.Second, asked[i])
			require.Equal(t, time.Duration(i)*15*time.Second+10*time.Second, gaveUp[i])
		}
	})
}

func TestLaterMessagesOvertakeARetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		bot := listen(org)
		_, chat := connected(t, org)
		bot.answer([]int{503})
		chat.Say("one")
		chat.Say("two")
		chat.Say("three")
		<-time.After(time.Minute)
		require.Equal(t, []string{"one", "two", "three", "one"}, texts(bot))
		b := bot.got()
		require.Less(t, b[0]["channel"].(map[string]any)["time"], b[1]["channel"].(map[string]any)["time"], "the times show the order")
	})
}

func TestManyAtOnceKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		bot := listen(org)
		_, chat := connected(t, org)
		var want []string
		for i := range 100 {
			want = append(want, string(rune('A'+i)))
			chat.Say(want[i])
		}
		<-time.After(time.Second)
		require.Equal(t, want, texts(bot))
	})
}

func texts(h *hook) []string {
	var out []string
	for _, b := range h.got() {
		s, _ := b["text"].(string)
		out = append(out, s)
	}
	return out
}

func TestPanicOfTheWebhookFailsTheTest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &spy{ctx: t.Context()}
		org := genesystest.New(s)
		org.DeliverTo(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh no") }), "/")
		_, chat := connected(t, org)
		chat.Say("Hi")
		<-time.After(time.Second)
		require.Len(t, s.failures(), 1)
		require.Contains(t, s.failures()[0], "oh no")
		require.NoError(t, org.Close())
	})
}

// A webhook does not outlast the organisation.
func TestCloseDuringADelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		bot := listen(org)
		_, chat := connected(t, org)
		bot.answer([]int{503, 503, 503, 503, 503, 503})
		chat.Say("Hi")
		<-time.After(7 * time.Second)
		require.NoError(t, org.Close())
		n := len(bot.got())
		<-time.After(time.Hour)
		require.Len(t, bot.got(), n)
		require.NoError(t, org.Close())
	})
}

func TestDeliverToURL(t *testing.T) {
	t.Parallel()
	org, err := genesystest.Start(genesystest.WithPace(genesystest.Pace{Flow: -1, Route: -1, Offer: -1, Transfer: -1}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, org.Close()) })
	h := &hook{secret: org.Channel().WebhookSecrets[0].Reveal()}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	org.DeliverToURL(s.URL + "/genesys")

	ann := org.Agent("Ann", "Support")
	api := onSockets(t, org)
	api.handOver("c1", "hello")
	offer, err := ann.Next(t.Context())
	require.NoError(t, err)
	offer.Accept().Say("Hi")
	require.NoError(t, org.Await(t.Context(), func() bool { return slices.Equal(texts(h), []string{"Hi"}) }))
}

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
			require.Equal(t, 1, bot.forgedCount())
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
			require.Equal(t, 1, bot.forgedCount(), "the bot has only the old one")
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

func TestDownloads(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opt    genesystest.Option
		token  bool
		status int
	}{
		"open":                   {nil, false, 200},
		"protected":              {genesystest.WithProtectedDownloads(), false, 401},
		"protected with a token": {genesystest.WithProtectedDownloads(), true, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := genesystest.New(t, tc.opt, genesystest.AllowErrors(),
				genesystest.WithPace(genesystest.Pace{Flow: -1, Route: -1, Offer: -1, Transfer: -1}))
			api := onSockets(t, org)
			bot := listen(org)
			org.ServeDownloadsAt(api.api + "/")
			api.handOver("c1", "hello")
			org.Agent("Ann", "Support").Wait(t).Accept().Attach("application/pdf", "a.pdf", []byte("pdf"))
			genesystest.Until(t, func() bool { return len(bot.got()) == 1 })
			url := list(bot.got()[0], "content")[0]["attachment"].(map[string]any)["url"].(string)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
			require.NoError(t, err)
			if tc.token {
				req.Header.Set("Authorization", "Bearer "+api.token)
			}
			res, err := api.client.Do(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, tc.status, res.StatusCode)
			status, _ := api.do(http.MethodGet, "/api/v2/downloads/other", "")
			require.Equal(t, http.StatusNotFound, status)
		})
	}
}
