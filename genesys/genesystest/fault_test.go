package genesystest_test

import (
	"context"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

// postStatus posts a message and returns the status or the error.
func postStatus(ctx context.Context, api *raw) (int, error) {
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
				status, err := postStatus(ctx, api)
				require.ErrorIs(t, err, tc.want.err)
				require.Equal(t, tc.want.status, status)
				require.Equal(t, tc.want.duration, time.Since(began))
				<-time.After(2 * time.Hour)
				require.Len(t, org.Conversations(), tc.want.effect)
				org.ClearFaults()
				status, err = postStatus(t.Context(), api)
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
			status, _ := postStatus(t.Context(), api)
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
		require.Equal(t, http.StatusNotFound, status, "before the conversation")

		<-time.After(time.Second)
		api.postText("c1", "again")
		stale(time.Millisecond)
		require.Equal(t, "customer disconnected peer", api.legs(id)[0])
		require.Len(t, api.legs(id), 6, "revived")
	})
}

func TestFaultsOfTheRateLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault      genesystest.Fault
		status     int
		retryAfter string
		reset      string
		message    string
	}{
		"an hour":         {genesystest.Fault{Status: 429, RetryAfter: time.Hour}, 429, "3600", "", "Retry the request in [3600] seconds"},
		"a billion":       {genesystest.Fault{Status: 429, RetryAfter: 1e9 * time.Second}, 429, "1000000000", "", "[1000000000]"},
		"without a wait":  {genesystest.Fault{Status: 429}, 429, "", "", "Rate limit exceeded the maximum."},
		"in the text":     {genesystest.Fault{Status: 429, RetryAfter: 7 * time.Second, Header: http.Header{"Retry-After": nil}}, 429, "", "", "[7]"},
		"an absurd reset": {genesystest.Fault{Status: 429, Header: http.Header{"inin-ratelimit-reset": {"-99999999999999999999"}}}, 429, "", "-99999999999999999999", "Rate"},
		"of an answer":    {genesystest.Fault{Header: http.Header{"Inin-Ratelimit-Reset": {"1000000000"}}}, 200, "", "1000000000", ""},
		"after the effect": {
			genesystest.Fault{Status: 502, After: true, Header: http.Header{"Retry-After": {"Fri, 31 Dec 9999 23:59:59 GMT"}}},
			502, "Fri, 31 Dec 9999 23:59:59 GMT", "", "Injected",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				api := dial(t, org)
				org.Inject(tc.fault)
				status, h, body := api.sendFull(api.request(t.Context(), http.MethodGet, queuesPath, ""))
				require.Equal(t, tc.status, status)
				require.Equal(t, tc.retryAfter, h.Get("Retry-After"))
				require.Equal(t, tc.reset, h.Get("Inin-Ratelimit-Reset"))
				if tc.message != "" {
					require.Contains(t, body["message"], tc.message)
				}
				status, h, _ = api.sendFull(api.request(t.Context(), http.MethodGet, queuesPath, ""))
				require.Equal(t, http.StatusOK, status)
				require.Equal(t, "60", h.Get("Inin-Ratelimit-Reset"), "the next answer is normal")
			})
		})
	}
}

func TestFaultsOfTheIntegration(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{http.StatusNotFound: "not.found", http.StatusForbidden: "not.authorized"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				api := dial(t, org)
				org.Inject(genesystest.Fault{Op: "integrations.get", Status: status, Times: -1})
				org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: status})
				for range 2 {
					got, body := api.do(http.MethodGet, "/api/v2/conversations/messaging/integrations/open/"+org.Channel().IntegrationID, "")
					require.Equal(t, status, got)
					require.Equal(t, code, body["code"])
				}
				got, err := postStatus(t.Context(), api)
				require.NoError(t, err)
				require.Equal(t, status, got)
				require.Empty(t, org.Conversations(), "no effect")
				org.ClearFaults()
				got, _ = api.do(http.MethodGet, "/api/v2/conversations/messaging/integrations/open/"+org.Channel().IntegrationID, "")
				require.Equal(t, http.StatusOK, got)
			})
		})
	}
}
