package genesys_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handle      http.HandlerFunc
		contains    []string
		permissions []string
		correlation string
		message     string
		is          error
	}{
		"403 names the permissions and the fix": {
			load(t, "errors.missingPermissions").ServeHTTP,
			[]string{
				"genesys: test: 403 missing.any.permissions: missing conversation:communication:blindTransfer, conversation:communication:blindTransferQueue",
				"add it to a role of the OAuth client", "(correlation 11111111-2222-4333-8444-555555555555)",
			},
			[]string{"conversation:communication:blindTransfer", "conversation:communication:blindTransferQueue"},
			"11111111-2222-4333-8444-555555555555", "Unable to perform", genesys.ErrForbidden,
		},
		"403 in a sentence": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 403, `{"code":"missing.permissions","message":"You are missing the following permission(s): routing:queue:view."}`)
			},
			[]string{"missing routing:queue:view: add it"},
			[]string{"routing:queue:view"},
			"", "You are missing", genesys.ErrForbidden,
		},
		"403 as a list, nested": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 403, `{"message":7,"errors":[{"code":"missing.permissions","messageParams":{"permissions":["a:b:c","d:e:f"]}}]}`)
			},
			[]string{"403 missing.permissions: missing a:b:c, d:e:f"},
			[]string{"a:b:c", "d:e:f"},
			"", "", genesys.ErrForbidden,
		},
		"403 without a permission": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 403, `{"code":"not.authorized","message":"You are not authorized."}`)
			},
			[]string{"403 not.authorized: You are not authorized."},
			nil, "", "You are", genesys.ErrForbidden,
		},
		"400 has the field, not the value": {
			load(t, "errors.badRequest").ServeHTTP,
			[]string{"genesys: test: 400 invalid.value: fields channel.time (correlation 11111111-2222-4333-8444-555555555556)"},
			nil, "11111111-2222-4333-8444-555555555556", "I need a person.", nil,
		},
		"429": {
			load(t, "errors.rateLimited").ServeHTTP,
			[]string{"genesys: test: 429 too.many.requests: Rate limit exceeded"},
			nil,
			"11111111-2222-4333-8444-555555555557", "Rate limit", genesys.ErrRateLimited,
		},
		"a header beats the body": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Inin-Correlation-Id", "from-header")
				answer(w, 404, `{"code":"not.found","message":"gone","contextId":"from-body"}`)
			},
			[]string{"404 not.found: gone (correlation from-header)"},
			nil, "from-header", "gone", genesys.ErrNotFound,
		},
		"the newer header": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Inin-Correlation-Id", "old")
				w.Header().Set("Genesys-Correlation-Id", "new")
				answer(w, 409, `{}`)
			},
			[]string{"409 Conflict (correlation new)"},
			nil, "new", "", nil,
		},
		"a gateway's page is not shown": {
			func(w http.ResponseWriter, _ *http.Request) { answer(w, 502, "<html>I need a person.</html>") },
			[]string{"genesys: test: 502 Bad Gateway"},
			nil, "", "", genesys.ErrUnavailable,
		},
		"names with a sentence inside are dropped": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 400, `{"code":"I need a person.","details":[{"fieldName":"I need a person."}],"contextId":"I need a person."}`)
			},
			[]string{"genesys: test: 400 Bad Request"},
			nil, "", "", nil,
		},
		"a redirect": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://elsewhere.example")
				answer(w, 302, "")
			},
			[]string{"302 Found", "is the endpoint right?"},
			nil, "", "", nil,
		},
		"huge": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 500, `{"message":"`+strings.Repeat("x", 1<<20)+`"}`)
			},
			[]string{"500 Internal Server Error"},
			nil, "", "", genesys.ErrUnavailable,
		},
		"a long message is cut": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 404, `{"message":"a`+strings.Repeat("\\n z", 2000)+`"}`)
			},
			[]string{"404 Not Found: a z z", "…"},
			nil, "", "a\n z", genesys.ErrNotFound,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := (&wire{handle: tt.handle}).client(t)
			err := c.Do(t.Context(), genesys.Request{Op: "test", Path: []string{"things"}}, nil)
			e, ok := errors.AsType[*genesys.Error](err)
			require.True(t, ok, "%v", err)
			for _, want := range tt.contains {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "I need a person")
			require.Less(t, len(err.Error()), 1000)
			require.Equal(t, tt.permissions, e.MissingPermissions)
			require.Equal(t, tt.correlation, e.CorrelationID)
			require.Contains(t, e.Message, tt.message)
			for _, sentinel := range []error{
				genesys.ErrUnauthorized, genesys.ErrForbidden, genesys.ErrNotFound, genesys.ErrRateLimited, genesys.ErrUnavailable, genesys.ErrAmbiguous,
			} {
				require.Equal(t, sentinel == tt.is, errors.Is(err, sentinel), sentinel) //nolint:errorlint // which one it is
			}
		})
	}
}

// No error contains any part of the request.
func TestErrorsHoldNoContent(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400, 401, 403, 404, 413, 429, 500} {
		w := &wire{handle: func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			answer(rw, status, string(body)[:len(body)/2]+r.Header.Get("Authorization"))
		}}
		var logged bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c := w.client(t, genesys.WithLogger(logger))
		_, err := c.OpenMessaging.Send(t.Context(), genesys.SendRequest{IntegrationID: integration, Message: hello()})
		require.Error(t, err)
		for _, secret := range []string{"visitor-17", "I need", "token-1", "billing", "client-secret", integration} {
			require.NotContains(t, err.Error(), secret, status)
			require.NotContains(t, logged.String(), secret, status)
		}
		require.Contains(t, logged.String(), "op=openmessaging.send")
	}
}

func TestReceiptThatFailed(t *testing.T) {
	t.Parallel()
	failed := `{"id":"x","status":"Failed","reasons":[{"code":"UnknownMessage","message":"no such message"},{"message":"and more"}]}`
	w := &wire{handle: script(map[int]string{200: failed}, 200)}
	c := w.client(t)
	receipt := openmessaging.InboundReceipt{MessageID: "o-1", To: visitor(), Time: at(0, 0), Status: openmessaging.StatusDelivered}
	err := c.OpenMessaging.SendReceipt(t.Context(), integration, receipt)
	e, ok := errors.AsType[*genesys.Error](err)
	require.True(t, ok)
	require.Equal(t, "receipt.failed", e.Code)
	require.Equal(t, "UnknownMessage: no such message; and more", e.Message)
	require.ErrorContains(t, err, "UnknownMessage")
	require.NotContains(t, err.Error(), "no such message")
	require.Equal(t, genesys.EffectRefused, genesys.EffectOf(err))

	receipt.Status = openmessaging.StatusFailed
	receipt.Reasons = []openmessaging.Reason{{Code: openmessaging.ReasonGeneralError, Message: "no"}}
	require.NoError(t, c.OpenMessaging.SendReceipt(t.Context(), integration, receipt), "a Failed receipt is echoed as Failed")
}

func TestMessagesAreNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{handle: script(nil, 503)}
		c := w.client(t, policy())
		_, err := c.OpenMessaging.Send(t.Context(), genesys.SendRequest{IntegrationID: integration, Message: hello()})
		require.Error(t, err)
		require.Error(t, c.OpenMessaging.SendTyping(t.Context(), integration, openmessaging.InboundTyping{From: visitor(), Time: at(0, 0)}))
		require.Error(t, c.Conversations.TransferToQueue(t.Context(), conversation, queueLeg, billing))
		require.Len(t, w.all(), 3)
		receipt := openmessaging.InboundReceipt{MessageID: "o-1", To: visitor(), Time: at(0, 0), Status: openmessaging.StatusDelivered}
		require.Error(t, c.OpenMessaging.SendReceipt(t.Context(), integration, receipt))
		require.Len(t, w.all(), 7, "a receipt is")
	})
}

func TestObserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{handle: func(rw http.ResponseWriter, _ *http.Request) {
			<-time.After(250 * time.Millisecond)
			for k, v := range map[string]string{
				"inin-ratelimit-allowed": "300", "inin-ratelimit-count": "41", "inin-ratelimit-reset": "17",
				"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "ININ-Correlation-Id": "c-1",
			} {
				rw.Header().Set(k, v)
			}
			answer(rw, 200, "{}")
		}}
		start := time.Now()
		var one, two []genesys.Call
		c := w.client(t,
			genesys.WithObserver(func(_ context.Context, call genesys.Call) { one = append(one, call) }),
			genesys.WithObserver(func(_ context.Context, call genesys.Call) { two = append(two, call) }))
		require.NoError(t, read(t.Context(), c))
		require.Equal(t, one, two)
		require.Equal(t, "oauth.token", one[0].Op)
		require.Equal(t, genesys.Call{
			Op: "conversations.get", Status: 200, Attempts: 1, Duration: 250 * time.Millisecond, CorrelationID: "c-1",
			RateLimit: genesys.RateLimit{Allowed: 300, Used: 41, Reset: 17 * time.Second}, Date: at(0, 0),
			Sent: start, Received: start.Add(250 * time.Millisecond),
		}, one[1])
	})
}

func TestSendReturnsTheDateOfItsAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		date string
		want time.Time
	}{"stated": {"Sun, 22 Nov 2026 10:00:00 GMT", at(0, 0)}, "unreadable": {"now", time.Time{}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{handle: func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Date", test.date)
				answer(rw, http.StatusOK, `{"id":"m"}`)
			}}
			sent, err := w.client(t).OpenMessaging.Send(t.Context(), genesys.SendRequest{IntegrationID: integration, Message: hello()})
			require.NoError(t, err)
			require.Equal(t, test.want, sent.Date)
		})
	}
}

// Only the API knows the budget of the token and Genesys' clock: not a redirect, the login host or
// an attachment's server.
func TestOnlyTheAPIStatesTheBudget(t *testing.T) {
	t.Parallel()
	limits := func(rw http.ResponseWriter) {
		for k, v := range map[string]string{
			"Inin-Ratelimit-Allowed": "1", "Inin-Ratelimit-Count": "1", "Inin-Ratelimit-Reset": "1e9", "Date": "Sun, 22 Nov 2026 10:00:00 GMT",
		} {
			rw.Header().Set(k, v)
		}
	}
	status := http.StatusOK
	w := &wire{handle: func(rw http.ResponseWriter, _ *http.Request) {
		limits(rw)
		answer(rw, status, "{}")
	}}
	w.token = func(rw http.ResponseWriter, _ *http.Request) {
		limits(rw)
		grant(rw, "t", 3600)
	}
	heard := map[string]genesys.Call{}
	c := w.client(t, genesys.WithObserver(func(_ context.Context, call genesys.Call) { heard[call.Op] = call }))
	require.NoError(t, read(t.Context(), c))
	require.Equal(t, 1, heard["conversations.get"].RateLimit.Allowed)
	require.Equal(t, at(0, 0), heard["conversations.get"].Date)
	body, err := c.Download(t.Context(), openmessaging.Attachment{URL: "https://files.example.com/a"}, genesys.DownloadLimits{})
	require.NoError(t, err)
	require.NoError(t, body.Close())
	status = http.StatusFound
	require.Error(t, read(t.Context(), c))
	for _, op := range []string{"oauth.token", "download", "conversations.get"} {
		call := heard[op]
		require.NotZero(t, call.Status, op)
		require.Zero(t, call.RateLimit, op)
		require.True(t, call.Date.IsZero() && call.Sent.IsZero() && call.Received.IsZero(), op)
	}
}

// The times are those of the last attempt, without the wait before it and without the token's.
func TestTimesOfAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := true
		w := &wire{handle: func(rw http.ResponseWriter, _ *http.Request) {
			<-time.After(time.Second)
			if first {
				first = false
				rw.Header().Set("Retry-After", "9")
				answer(rw, http.StatusTooManyRequests, "{}")
				return
			}
			answer(rw, http.StatusOK, "{}")
		}}
		w.token = func(rw http.ResponseWriter, _ *http.Request) {
			<-time.After(time.Second)
			grant(rw, "t", 3600)
		}
		var call genesys.Call
		hour := func() time.Time { return time.Now().Add(time.Hour) }
		c := w.client(t, policy(), genesys.WithClock(hour), genesys.WithObserver(func(_ context.Context, got genesys.Call) { call = got }))
		start := hour()
		require.NoError(t, read(t.Context(), c))
		require.GreaterOrEqual(t, call.Sent.Sub(start), 11*time.Second)
		require.Equal(t, time.Second, call.Received.Sub(call.Sent))
		require.Equal(t, hour(), call.Received)
	})
}

func FuzzErrorBody(f *testing.F) {
	for _, name := range []string{"errors.missingPermissions", "errors.badRequest", "errors.rateLimited", "errors.token"} {
		f.Add([]byte(load(f, name).Response.Body), 403)
	}
	f.Add([]byte(`{"message":7,"code":[],"errors":[{"errors":[{"errors":[{"errors":[{"errors":[{}]}]}]}]}],"messageParams":{"permissions":"[::::a:b:c"}}`), 403)
	f.Add([]byte(`{"details":null,"messageParams":[],"errors":{}}`), 500)
	f.Add([]byte("<html>\x00\xff"), 502)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		if status < 300 || status > 599 || status == 401 {
			status = 403
		}
		rt := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})
		c := (&wire{}).client(t, genesys.WithHTTPClient(&http.Client{Transport: rt}))
		// The token endpoint gets the same body, and then the API.
		require.Error(t, read(t.Context(), c))
		api := newClientWithToken(t, rt)
		err := read(t.Context(), api)
		e, ok := errors.AsType[*genesys.Error](err)
		require.True(t, ok)
		require.Equal(t, status, e.StatusCode)
		require.Less(t, len(err.Error()), 10_000)
		require.NotContains(t, err.Error(), "\n")
	})
}
