package genesystest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// connected is an agent who talks to c1.
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
		require.Zero(t, bot.forgeries())
		d := org.Deliveries()
		require.Len(t, d, 1)
		require.Equal(t, 200, d[0].Status)
		require.Equal(t, 1, d[0].Attempt)
		require.Equal(t, id, d[0].MessageID)
	})
}

// Genesys: 10 s for the answer, 5 more tries, 5 s apart, only after a timeout, 429 and 5xx.
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
		require.Less(t, b[0]["channel"].(map[string]any)["time"], b[1]["channel"].(map[string]any)["time"], "times tell the order")
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

// A webhook under way does not outlive the organisation.
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
