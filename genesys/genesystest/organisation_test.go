package genesystest_test

import (
	"context"
	"go/parser"
	"go/token"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/stretchr/testify/require"
)

// The fake shares no encoder with the client, so that one error cannot be in both. Programs that
// run it do not link package testing.
func TestServerSideIsSeparate(t *testing.T) {
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
				continue // frames of notification sockets; their content is written here
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

func TestBadOptions(t *testing.T) {
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
		"far ahead":        {genesystest.WithClockOffset(time.Hour + 1), "WithClockOffset"},
		"far behind":       {genesystest.WithClockOffset(-time.Hour - 1), "WithClockOffset"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := genesystest.Start(tc.opt)
			require.ErrorContains(t, err, "genesystest: "+tc.says)
			require.Contains(t, fatalText(t, func(tb genesystest.TB) { genesystest.New(tb, tc.opt) }), tc.says)
		})
	}
}

func TestRegion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithRegion(region.APSoutheast2), genesystest.WithRateLimit(0))
		api := dial(t, org)
		require.Equal(t, "https://api.mypurecloud.com.au", api.api)
		api.postText("c1", "hello")
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
		api.postText("c1", "hello")
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

// All methods at once, for the race detector.
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
				api.postText(customer, "hello")
				api.postText("c0", "hello")
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
	_, err := postStatus(t.Context(), api)
	require.Error(t, err)
	chat.End()
	require.Equal(t, "ended", chat.Conversation().Phase())
}

func TestCloudOfManyOrganisations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := genesystest.New(t), genesystest.New(t, genesystest.WithSeed(1))
		far := genesystest.New(t, genesystest.WithSeed(2), genesystest.WithRegion(region.EUCentral1))
		client := genesystest.Cloud(a, b, far)
		for _, org := range []*genesystest.Org{b, far, a} {
			api := &raw{t: t, org: org, client: client, api: org.Channel().Region.API(), login: org.Channel().Region.Login()}
			api.authorize()
			id := api.postText("c1", "hello")
			require.Equal(t, id, org.Conversation("c1").ID())
			require.Len(t, org.Conversations(), 1)
			status, _ := api.grant("wrong")
			require.Equal(t, http.StatusUnauthorized, status)
			api.token = "nobody's"
			status, _ = api.do(http.MethodGet, queuesPath, "")
			require.Equal(t, http.StatusUnauthorized, status)
		}
		client.CloseIdleConnections()
	})
}

func TestOtherHostsDoNotExist(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		for _, host := range []string{"https://api.mypurecloud.de", "https://example.com", "https://mypurecloud.ie"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, host+queuesPath, http.NoBody)
			require.NoError(t, err)
			res, err := org.HTTPClient().Do(req)
			if res != nil {
				_ = res.Body.Close()
			}
			var unknown *net.DNSError
			require.ErrorAs(t, err, &unknown, host)
			require.True(t, unknown.IsNotFound)
		}
	})
}

func TestRequestsAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		began := time.Now()
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Drop: true})
		_, err := postStatus(t.Context(), api)
		require.Error(t, err)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", After: true})
		_, err = postStatus(t.Context(), api)
		require.Error(t, err)
		api.postText("c1", "one")
		r := org.Requests()
		require.Len(t, r, 3, "a refused connection is not listed")
		require.Zero(t, r[1].Status, "no answer")
		last := r[2]
		require.Equal(t, "openmessaging.send", last.Op)
		require.Equal(t, http.MethodPost, last.Method)
		require.Equal(t, api.inbound("message"), last.Path)
		require.Equal(t, "prefetchConversationId=true", last.Query)
		require.Equal(t, 200, last.Status)
		require.Contains(t, string(last.Body), `"one"`)
		require.Equal(t, began, last.Time)
	})
}
