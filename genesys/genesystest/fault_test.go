package genesystest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// ask posts a message and says what came of it: a status, or an error.
func ask(ctx context.Context, api *raw) (int, error) {
	req := api.request(ctx, http.MethodPost, api.inbound("message"), api.message("c1", "hello"))
	res, err := api.client.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const op = "openmessaging.send"
	type outcome struct {
		status   int
		err      error
		effect   int
		duration time.Duration
	}
	for name, tc := range map[string]struct {
		fault genesystest.Fault
		want  outcome
	}{
		"nothing said":         {genesystest.Fault{Op: op}, outcome{503, nil, 0, 0}},
		"any operation":        {genesystest.Fault{}, outcome{503, nil, 0, 0}},
		"another operation":    {genesystest.Fault{Op: "conversations.get"}, outcome{200, nil, 1, 0}},
		"another method":       {genesystest.Fault{Op: op, Method: http.MethodGet}, outcome{200, nil, 1, 0}},
		"before the effect":    {genesystest.Fault{Op: op, Status: 502}, outcome{502, nil, 0, 0}},
		"after the effect":     {genesystest.Fault{Op: op, Status: 502, After: true}, outcome{502, nil, 1, 0}},
		"rate limit":           {genesystest.Fault{Op: op, Status: 429, RetryAfter: 2 * time.Second}, outcome{429, nil, 0, 0}},
		"connection refused":   {genesystest.Fault{Op: op, Drop: true}, outcome{0, syscall.ECONNREFUSED, 0, 0}},
		"answer lost":          {genesystest.Fault{Op: op, After: true}, outcome{0, io.EOF, 1, 0}},
		"dropped after":        {genesystest.Fault{Op: op, After: true, Drop: true}, outcome{0, io.EOF, 1, 0}},
		"slow":                 {genesystest.Fault{Op: op, Delay: 3 * time.Second}, outcome{200, nil, 1, 3 * time.Second}},
		"too slow":             {genesystest.Fault{Op: op, Delay: time.Hour}, outcome{0, context.DeadlineExceeded, 0, 10 * time.Second}},
		"too slow, but done":   {genesystest.Fault{Op: op, Delay: time.Hour, After: true}, outcome{0, context.DeadlineExceeded, 1, 10 * time.Second}},
		"refused after a time": {genesystest.Fault{Op: op, Delay: time.Second, Drop: true}, outcome{0, syscall.ECONNREFUSED, 0, time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				api := dial(t, org)
				org.Inject(tc.fault)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				began := time.Now()
				status, err := ask(ctx, api)
				require.ErrorIs(t, err, tc.want.err)
				require.Equal(t, tc.want.status, status)
				require.Equal(t, tc.want.duration, time.Since(began))
				<-time.After(2 * time.Hour)
				require.Len(t, org.Conversations(), tc.want.effect)
				org.ClearFaults()
				status, err = ask(t.Context(), api)
				require.NoError(t, err)
				require.Equal(t, 200, status)
			})
		})
	}
}

func TestFaultsAreUsedUpInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: 500, Times: 2})
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Drop: true})
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: 504})
		var got []int
		for range 5 {
			status, _ := ask(t.Context(), api)
			got = append(got, status)
		}
		require.Equal(t, []int{500, 500, 0, 504, 200}, got)

		org.Inject(genesystest.Fault{Op: "oauth.token", Status: 503, Times: -1})
		for range 3 {
			status, _ := api.grant("x")
			require.Equal(t, 503, status)
		}
	})
}

func TestStaleReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		id := api.handOver("c1", "hello")
		offer := ann.Wait(t)
		<-time.After(time.Second)
		chat := offer.Accept()
		<-time.After(time.Minute)
		chat.End()

		stale := func(d time.Duration) { org.Inject(genesystest.Fault{Op: "conversations.get", Stale: d}) }
		stale(time.Second)
		require.Equal(t, "agent connected", api.legs(id)[4])
		require.Equal(t, "agent disconnected client", api.legs(id)[4], "only once")
		stale(time.Minute + 100*time.Millisecond)
		require.Equal(t, "agent alerting", api.legs(id)[4])
		stale(time.Hour)
		status, _ := api.do(http.MethodGet, "/api/v2/conversations/messages/"+id, "")
		require.Equal(t, http.StatusNotFound, status, "there was no conversation then")

		<-time.After(time.Second)
		api.say("c1", "again")
		stale(time.Millisecond)
		require.Equal(t, "customer disconnected peer", api.legs(id)[0])
		require.Len(t, api.legs(id), 6, "revived")
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
		_, err := ask(t.Context(), api)
		require.Error(t, err)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", After: true})
		_, err = ask(t.Context(), api)
		require.Error(t, err)
		api.say("c1", "one")
		r := org.Requests()
		require.Len(t, r, 3, "what was never sent is not seen")
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
