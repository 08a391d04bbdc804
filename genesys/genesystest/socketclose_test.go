package genesystest_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestCloseEndsSocketsAndLeaksNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a bubble fails if a goroutine stays
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
		heard := bodies(s.heard())
		return len(heard) > 0 && strings.Contains(snapshotLegs(heard[len(heard)-1]), "customer disconnected")
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

func TestRecordLetsSocketsThrough(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		api.client = &http.Client{Transport: genesystest.Record(org.HTTPClient().Transport, dir)}
		_, uri := api.channel()
		s := api.open(uri)
		<-time.After(40 * time.Second)
		synctest.Wait()
		require.Len(t, s.heard(), 1)
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		require.Len(t, files, 2, "the channel was made and listed")
		for _, f := range files {
			b, err := os.ReadFile(f) //nolint:gosec // a file this test wrote
			require.NoError(t, err)
			require.NotContains(t, string(b), "streaming.", "who knows the address can connect")
		}
	})
}
