package genesystest_test

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

// supportTopic returns the topic that a host would subscribe to.
func supportTopic(org *genesystest.Org) string {
	return "v2.routing.queues." + org.Queue("Support").ID() + ".conversations.messages"
}

func TestHeartbeatAndPing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		_, uri := api.channel()
		s := api.open(uri)
		<-time.After(95 * time.Second)
		synctest.Wait()
		beat := map[string]any{"topicName": "channel.metadata", "eventBody": map[string]any{"message": "WebSocket Heartbeat"}}
		require.Equal(t, []map[string]any{beat, beat, beat}, s.events())

		require.NoError(t, s.conn.Write(t.Context(), websocket.MessageText, []byte(`{"message":"ping"}`)))
		require.NoError(t, s.conn.Write(t.Context(), websocket.MessageText, []byte(`what?`)))
		synctest.Wait()
		require.Equal(t, map[string]any{"topicName": "channel.metadata", "eventBody": map[string]any{"message": "pong"}}, s.events()[3])
		require.Len(t, s.events(), 4)

		require.Equal(t, 1, org.Sockets())
		require.NoError(t, s.conn.Close(websocket.StatusNormalClosure, ""))
		synctest.Wait()
		require.Zero(t, org.Sockets())
		last := org.Requests()[len(org.Requests())-1]
		require.Equal(t, "notifications.connect", last.Op)
		require.Equal(t, http.StatusSwitchingProtocols, last.Status)
	})
}

func TestSecondSocketReplacesTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		_, uri := api.channel(supportTopic(org))
		first := api.open(uri)
		second := api.open(uri)
		require.Equal(t, websocket.StatusPolicyViolation, first.closed(t))
		require.Equal(t, 1, org.Sockets())
		api.handOver("c1", "hello")
		synctest.Wait()
		require.Empty(t, first.take())
		require.NotEmpty(t, second.take())
	})
}

func TestSocketOfASilentClientIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		_, uri := api.channel()
		conn, _, err := websocket.Dial(t.Context(), uri, &websocket.DialOptions{HTTPClient: org.HTTPClient()}) //nolint:bodyclose // Dial documents that there is none to close
		require.NoError(t, err)
		<-time.After(time.Minute)
		second := api.open(uri)
		<-time.After(10 * time.Second)
		_, _, err = conn.Read(t.Context())
		require.Error(t, err)
		require.Equal(t, websocket.StatusCode(-1), websocket.CloseStatus(err))
		require.Equal(t, 1, org.Sockets())
		_ = second
	})
}

func TestEventsAreNotQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		_, uri := api.channel(supportTopic(org))
		s := api.open(uri)
		api.handOver("c1", "hello")
		offer := ann.Wait(t)
		synctest.Wait()
		require.NotEmpty(t, s.take())

		org.CutSockets()
		require.Zero(t, org.Sockets())
		require.Equal(t, websocket.StatusCode(-1), s.closed(t), "no close frame")
		chat := offer.Accept()
		s = api.open(uri)
		synctest.Wait()
		require.Empty(t, s.take(), "events in between are lost")
		chat.End()
		synctest.Wait()
		require.Len(t, s.take(), 1, "the subscriptions remain")
	})
}

func TestASocketEndsWithItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithTokenLifetime(time.Hour))
		api := dial(t, org)
		id, uri := api.channel()
		<-time.After(50 * time.Minute)
		s := api.open(uri)
		began := time.Now()
		require.Equal(t, websocket.StatusPolicyViolation, s.closed(t))
		require.Equal(t, 10*time.Minute, time.Since(began))
		_, status, err := api.tryOpen(uri)
		require.Error(t, err)
		require.Equal(t, http.StatusUnauthorized, status)

		api.authorize()
		require.Equal(t, http.StatusOK, api.head(id), "the channel remains")
		s = api.open(uri)
		<-time.After(59 * time.Minute)
		require.Equal(t, 1, org.Sockets())
		org.ExpireTokens()
		began = time.Now()
		require.Equal(t, websocket.StatusPolicyViolation, s.closed(t))
		require.Zero(t, time.Since(began), "revoked")
	})
}

func TestMaintenance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		_, uri := api.channel()
		_, other := api.channel()
		stays, goes := api.open(uri), api.open(other)
		began := time.Now()
		org.AnnounceMaintenance()
		synctest.Wait()
		require.Equal(t, "v2.system.socket_closing", goes.take()[0]["topicName"])
		require.Len(t, stays.take(), 1)
		next := api.open(other)
		require.Equal(t, websocket.StatusPolicyViolation, goes.closed(t))
		require.Equal(t, websocket.StatusGoingAway, stays.closed(t))
		require.Equal(t, time.Minute, time.Since(began))
		<-time.After(time.Hour)
		require.Equal(t, 1, org.Sockets(), "a later connection stays")
		require.Empty(t, next.take())
	})
}

func TestFaultsOfAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		api := dial(t, org)
		_, uri := api.channel()
		for status, f := range map[int]genesystest.Fault{
			http.StatusServiceUnavailable: {}, http.StatusTooManyRequests: {Status: http.StatusTooManyRequests, Delay: time.Second},
		} {
			f.Op = "notifications.connect"
			org.Inject(f)
			_, got, err := api.tryOpen(uri)
			require.Error(t, err)
			require.Equal(t, status, got)
		}
		org.Inject(genesystest.Fault{Op: "notifications.connect", Drop: true})
		_, _, err := api.tryOpen(uri)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)

		org.Inject(genesystest.Fault{Op: "notifications.connect", Delay: time.Minute})
		began := time.Now()
		api.open(uri)
		require.Equal(t, time.Minute, time.Since(began))

		status, _ := api.send(plainGet(t, "https://streaming.mypurecloud.ie"+uri[strings.Index(uri, "/channels"):]))
		require.Equal(t, http.StatusUpgradeRequired, status)
	})
}

func plainGet(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	return r
}

func TestCloseEndsSocketsAndLeaksNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a bubble fails if a goroutine remains
		org := genesystest.New(t)
		api := dial(t, org)
		var streams []*stream
		for range 5 {
			_, uri := api.channel(supportTopic(org))
			streams = append(streams, api.open(uri))
		}
		_, uri := api.channel(supportTopic(org))
		deaf, _, err := websocket.Dial(context.Background(), uri, &websocket.DialOptions{HTTPClient: org.HTTPClient()}) //nolint:bodyclose,usetesting // see above; it outlives the test's context
		require.NoError(t, err)
		api.handOver("c1", "hello")
		require.NoError(t, org.Close())
		for _, s := range streams {
			require.Equal(t, websocket.StatusCode(-1), s.closed(t))
		}
		_ = deaf.CloseNow()
		require.Zero(t, org.Sockets())
	})
}

func TestSocketsOnRealConnections(t *testing.T) {
	t.Parallel()
	org := genesystest.New(t)
	ann := org.Agent("Ann", "Support")
	api := onSockets(t, org)
	_, uri := api.channel(supportTopic(org))
	require.Equal(t, strings.Replace(api.api, "http://", "ws://", 1), uri[:strings.Index(uri, "/channels/")])
	s := api.open(uri)
	api.handOver("c1", "hello")
	chat := ann.Wait(t).Accept()
	chat.End()
	genesystest.Until(t, func() bool {
		events := bodies(s.events())
		return len(events) > 0 && strings.Contains(snapshotLegs(events[len(events)-1]), "customer disconnected")
	})
	org.CutSockets()
	require.Equal(t, websocket.StatusCode(-1), s.closed(t))
	second := api.open(uri)
	third := api.open(uri)
	require.Equal(t, websocket.StatusPolicyViolation, second.closed(t))
	require.NoError(t, org.Close())
	require.Equal(t, websocket.StatusCode(-1), third.closed(t))
}

func TestCloudFindsSockets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := genesystest.New(t), genesystest.New(t, genesystest.WithSeed(7))
		api := dial(t, b)
		api.client = genesystest.Cloud(a, b)
		_, uri := api.channel()
		api.open(uri)
		require.Equal(t, []int{0, 1}, []int{a.Sockets(), b.Sockets()})
	})
}
