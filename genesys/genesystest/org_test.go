package genesystest_test

import (
	"context"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/region"
)

func TestChannelIsTheGuides(t *testing.T) {
	t.Parallel()
	org := genesystest.New(t)
	c := org.Channel()
	require.Equal(t, "genesys", c.ID)
	require.Equal(t, region.EUWest1, c.Region)
	require.Equal(t, "Bot", c.BotQueue)
	require.Equal(t, "Support", c.AgentQueue)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`, c.IntegrationID)
	require.Len(t, c.WebhookSecrets, 1)
	require.GreaterOrEqual(t, len(c.WebhookSecrets[0].Reveal()), 32)
	require.Len(t, genesystest.GuidePermissions(), 4)
	require.Equal(t, "genesystest.Org(eu-west-1)", org.String())
}

// The fake shares no code with the client, or both could be wrong together; and programs that run it do not link testing.
func TestServerSideStandsOnItsOwn(t *testing.T) {
	t.Parallel()
	const module = "github.com/genesyshandover/genesyshandover/"
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			if own, ok := strings.CutPrefix(path, module); ok {
				require.Contains(t, []string{"handover", "region", "internal/memnet"}, own, name)
				continue
			}
			if path == "github.com/coder/websocket" {
				continue // the frames of notification sockets; what is in them is the fake's own
			}
			require.NotContains(t, strings.Split(path, "/")[0], ".", "%s: third party", name)
			require.NotContains(t, []string{"testing", "testing/synctest"}, path, name)
		}
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	a, b, other := genesystest.New(t).Channel(), genesystest.New(t).Channel(), genesystest.New(t, genesystest.WithSeed(7)).Channel()
	require.Equal(t, a.IntegrationID, b.IntegrationID, "the same every time")
	require.Equal(t, a.ClientSecret.Reveal(), b.ClientSecret.Reveal())
	require.NotEqual(t, a.IntegrationID, other.IntegrationID)
	require.NotEqual(t, a.ClientID, other.ClientID)
	require.NotEqual(t, a.ClientSecret.Reveal(), other.ClientSecret.Reveal())
	require.NotEqual(t, a.WebhookSecrets[0].Reveal(), other.WebhookSecrets[0].Reveal())
}

func TestOptionsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opt  genesystest.Option
		says string
	}{
		"no region":        {genesystest.WithRegion(""), "WithRegion"},
		"no lifetime":      {genesystest.WithTokenLifetime(0), "WithTokenLifetime"},
		"negative limit":   {genesystest.WithRateLimit(-1), "WithRateLimit"},
		"window too long":  {genesystest.WithThreadWindow(73 * time.Hour), "WithThreadWindow"},
		"no ringing":       {genesystest.WithRingTimeout(0), "WithRingTimeout"},
		"negative wrap-up": {genesystest.WithWrapup(-1), "WithWrapup"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := genesystest.Start(tc.opt)
			require.ErrorContains(t, err, "genesystest: "+tc.says)
			require.Contains(t, fatally(t, func(tb genesystest.TB) { genesystest.New(tb, tc.opt) }), tc.says)
		})
	}
}

func TestRegion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithRegion(region.APSoutheast2), genesystest.WithRateLimit(0))
		api := dial(t, org)
		require.Equal(t, "https://api.mypurecloud.com.au", api.api)
		api.say("c1", "hello")
	})
}

func TestUntil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		genesystest.Until(t, func() bool { return true })
		require.Zero(t, time.Since(began), "asked at once")
		genesystest.Until(t, func() bool { return time.Since(began) >= 20*time.Hour })
		require.Less(t, time.Since(began), 20*time.Hour+2*time.Minute, "it does not overshoot by much")

		began = time.Now()
		require.Contains(t, fatally(t, func(tb genesystest.TB) { genesystest.Until(tb, func() bool { return false }) }), "24h")
		require.GreaterOrEqual(t, time.Since(began), 24*time.Hour)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := genesystest.New(t).Await(ctx, func() bool { return false })
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestWaitInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		began := time.Now()
		require.Contains(t, fatally(t, func(tb genesystest.TB) { ann.Wait(tb) }), "nothing was offered to Ann")
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

func TestCloseEndsCallbacks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithFlow(func(genesystest.Arrival) string { return "Bot" }))
		org.Signal(func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		api := dial(t, org)
		api.say("c1", "hello")
		<-time.After(time.Minute)
		require.NoError(t, org.Close())
		req := api.request(t.Context(), http.MethodGet, queuesPath, "")
		res, err := api.client.Do(req)
		if res != nil {
			_ = res.Body.Close()
		}
		require.Error(t, err)
	})
}

// Everybody at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithRateLimit(0))
		bot := listen(org)
		ann := org.Agent("Ann", "Support")
		setup := dial(t, org)
		id := setup.handOver("c0", "hello")
		chat := ann.Wait(t).Accept()
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				api := dial(t, org)
				customer := "customer " + strconv.Itoa(i)
				api.say(customer, "hello")
				api.say("c0", "hello")
				api.read(id)
				chat.Say("hi")
				chat.Texts()
				chat.Conversation().Phase()
				org.Conversation(customer).Transcript()
				org.Requests()
				org.Deliveries()
				org.Queue("Support").Waiting()
			})
		}
		wg.Wait()
		<-time.After(time.Second)
		require.Len(t, bot.got(), 16)
		require.Len(t, org.Conversations(), 17)
	})
}

func TestRealSockets(t *testing.T) {
	t.Parallel()
	org := genesystest.New(t, genesystest.WithPace(genesystest.Pace{Flow: -1, Route: -1, Offer: -1, Transfer: -1}))
	ann := org.Agent("Ann", "Support")
	bot := listen(org)
	api := onSockets(t, org)
	api.handOver("c1", "hello")
	chat := ann.Wait(t).Accept()
	chat.Say("Hi")
	genesystest.Until(t, func() bool { return len(bot.got()) == 1 })
	org.Inject(genesystest.Fault{Op: "openmessaging.send", Drop: true})
	_, err := ask(t.Context(), api)
	require.Error(t, err)
	chat.End()
	require.Equal(t, "ended", chat.Conversation().Phase())
}
