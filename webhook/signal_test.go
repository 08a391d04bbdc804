package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/webhook"
)

const (
	token        = "signal-token-of-32-characters-00"
	conversation = "c0c0c0c0-0000-4000-8000-000000000001"
)

func signal(tb testing.TB, authorization, body string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/signals", strings.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func TestSignal(t *testing.T) {
	t.Parallel()
	good := `{"conversationId":"` + conversation + `","reason":"x"}`
	tests := []struct {
		name, method, authorization, body string
		want                              int
		err                               error
	}{
		{"bearer", "POST", "Bearer " + token, good, 200, nil},
		{"bearer, other case and spaces", "POST", "bearer   " + token, good, 200, nil},
		{"raw token", "POST", token, good, 200, nil},
		{"none", "POST", "", good, 401, webhook.ErrToken},
		{"wrong", "POST", "Bearer " + token + "x", good, 401, webhook.ErrToken},
		{"shorter", "POST", "Bearer " + token[:31], good, 401, webhook.ErrToken},
		{"basic", "POST", "Basic " + token, good, 401, webhook.ErrToken},
		{"wrong, and no JSON", "POST", "x", "", 401, webhook.ErrToken},
		{"empty body", "POST", token, "", 400, nil},
		{"not JSON", "POST", token, "conversationId=" + conversation, 400, nil},
		{"not an object", "POST", token, `["x"]`, 400, nil},
		{"no id", "POST", token, `{}`, 400, webhook.ErrNoConversation},
		{"empty id", "POST", token, `{"conversationId":""}`, 400, webhook.ErrNoConversation},
		{"null", "POST", token, `null`, 400, webhook.ErrNoConversation},
		{"number", "POST", token, `{"conversationId":7}`, 400, nil},
		{"path", "POST", token, `{"conversationId":"../x"}`, 400, webhook.ErrNoConversation},
		{"line break", "POST", token, `{"conversationId":"a\nb"}`, 400, webhook.ErrNoConversation},
		{"too long", "POST", token, `{"conversationId":"` + strings.Repeat("a", 129) + `"}`, 400, webhook.ErrNoConversation},
		{"two values", "POST", token, good + good, 400, nil},
		{"over-sized", "POST", token, good + strings.Repeat(" ", 1000), 413, webhook.ErrTooLarge},
		{"GET", "GET", token, good, 405, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var ids []string
			var seen []webhook.Request
			h := webhook.NewSignalHandler(token, func(_ context.Context, id string) error { ids = append(ids, id); return nil },
				webhook.WithMaxBytes(500), webhook.WithObserver(func(q webhook.Request) { seen = append(seen, q) }))
			r := signal(t, test.authorization, test.body)
			r.Method = test.method
			w := serve(h, r)
			require.Equal(t, test.want, w.Code)
			require.Len(t, seen, 1)
			require.Equal(t, test.want, seen[0].Status)
			if test.want == 200 {
				require.Equal(t, []string{conversation}, ids)
				require.JSONEq(t, "{}", w.Body.String())
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))
				require.NoError(t, seen[0].Err)
				return
			}
			require.Empty(t, ids)
			require.Empty(t, w.Body.String())
			require.Error(t, seen[0].Err)
			require.NotContains(t, seen[0].Err.Error(), token)
			if test.err != nil {
				require.ErrorIs(t, seen[0].Err, test.err)
			}
		})
	}
}

func TestSignalCallback(t *testing.T) {
	t.Parallel()
	body := `{"conversationId":"` + conversation + `"}`
	tests := []struct {
		name string
		h    func(context.Context, string) error
		want int
	}{
		{"nil", nil, 200},
		{"fails", func(context.Context, string) error { return errors.New("store is down") }, 503},
		{"panics", func(context.Context, string) error { panic("x") }, 503},
		{"too late", func(context.Context, string) error { <-time.After(time.Minute); return nil }, 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, test.want, serve(webhook.NewSignalHandler(token, test.h), signal(t, token, body)).Code)
				<-time.After(time.Hour)
			})
		})
	}
}

func TestSignalWithoutToken(t *testing.T) {
	t.Parallel()
	for _, short := range []string{"", "Bearer", "fifteen-charact"} {
		var log bytes.Buffer
		h := webhook.NewSignalHandler(short, nil, webhook.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		for _, authorization := range []string{"", short, "Bearer " + short, "Bearer "} {
			require.Equal(t, http.StatusUnauthorized, serve(h, signal(t, authorization, `{"conversationId":"x"}`)).Code)
		}
		require.Contains(t, log.String(), "every post is refused")
	}
}

func FuzzSignal(f *testing.F) {
	for _, body := range []string{
		`{"conversationId":"` + conversation + `"}`, `{"conversationId":"a/b"}`, `{"ConversationID":"x"}`, `{"conversationId":null}`, "", "[]", "{", "\x00",
	} {
		f.Add("Bearer "+token, body)
		f.Add("", body)
	}
	f.Fuzz(func(t *testing.T, authorization, body string) {
		id, calls := "", 0
		h := webhook.NewSignalHandler(token, func(_ context.Context, s string) error { id, calls = s, calls+1; return nil })
		code := serve(h, signal(t, authorization, body)).Code
		require.Equal(t, code == http.StatusOK, calls == 1)
		require.Contains(t, []int{200, 400, 401}, code)
		if calls > 0 {
			require.Regexp(t, `^[A-Za-z0-9-]{1,128}$`, id)
			require.True(t, strings.HasSuffix(strings.TrimSpace(authorization), token))
		}
	})
}

func TestSignalThatSaysItEnded(t *testing.T) {
	t.Parallel()
	post := func(body string, opts ...webhook.Option) (changed int) {
		h := webhook.NewSignalHandler(token, func(context.Context, string) error { changed++; return nil }, opts...)
		require.Equal(t, http.StatusOK, serve(h, signal(t, token, body)).Code)
		return changed
	}
	says := `{"conversationId":"` + conversation + `","ended":true}`
	require.Equal(t, 1, post(says), "nobody asked for it: a signal like any other")
	type end struct {
		channel, id string
		at          time.Time
	}
	var ends []end
	with := webhook.WithEnded(func(_ context.Context, channel, id string, at time.Time) error {
		ends = append(ends, end{channel, id, at})
		return nil
	})
	require.Zero(t, post(says, with))
	require.Equal(t, []end{{"", conversation, time.Time{}}}, ends)
	require.Equal(t, 1, post(`{"conversationId":"`+conversation+`","ended":false}`, with))
	require.Len(t, ends, 1)

	mux := http.NewServeMux()
	mux.Handle("POST /signals/{channel}", webhook.NewSignalHandler(token, nil, with))
	timed := func(at string) int {
		r := signal(t, token, `{"conversationId":"c","ended":true,"time":`+at+`}`)
		r.URL.Path = "/signals/brand"
		return serve(mux, r).Code
	}
	at := time.Date(2026, 11, 27, 20, 0, 0, 5e6, time.UTC)
	for value, want := range map[string]time.Time{
		`1795809600005`: at, `"1795809600005"`: at, `"2026-11-27T21:00:00.005+01:00"`: at, `""`: {}, `null`: {},
	} {
		require.Equal(t, http.StatusOK, timed(value))
		require.Equal(t, end{"brand", "c", want}, ends[len(ends)-1])
	}
	require.Equal(t, http.StatusBadRequest, timed(`"yesterday"`))
	require.Equal(t, http.StatusBadRequest, timed(`{}`))
	bad := signal(t, token, `{"conversationId":"c","ended":"yes"}`)
	require.Equal(t, http.StatusBadRequest, serve(webhook.NewSignalHandler(token, nil), bad).Code)
}
