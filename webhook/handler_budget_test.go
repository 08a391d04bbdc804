package webhook_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/webhook"
)

func TestHandlerBudget(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	tests := []struct {
		name          string
		take, arrives time.Duration
		obeys         bool
		options       []webhook.Option
		want          int
		after         time.Duration
	}{
		{"in time", 7 * time.Second, 0, true, nil, 200, 7 * time.Second},
		{"at the last moment", 8 * time.Second, 0, true, nil, 0, 8 * time.Second},
		{"too late, obeys its context", time.Minute, 0, true, nil, 503, 8 * time.Second},
		{"too late, ignores its context", time.Minute, 0, false, nil, 503, 8 * time.Second},
		{"own budget", time.Minute, 0, false, []webhook.Option{webhook.WithBudget(time.Second)}, 503, time.Second},
		{"zero is the default", 7 * time.Second, 0, false, []webhook.Option{webhook.WithBudget(0)}, 200, 7 * time.Second},
		{"the body takes its share", 7 * time.Second, 3 * time.Second, false, nil, 503, 8 * time.Second},
		{"the body takes it all", 0, 9 * time.Second, false, nil, 503, 9 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				finished := false
				h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), func(ctx context.Context, _ webhook.Notification) error {
					var stop <-chan struct{}
					if test.obeys {
						stop = ctx.Done()
					}
					select {
					case <-time.After(test.take):
						finished = true
						return nil
					case <-stop:
						return ctx.Err()
					}
				}, test.options...)
				r := post(t, webhook.Sign(secretA, []byte(body)), "")
				r.Body, r.ContentLength = io.NopCloser(&slow{test.arrives, strings.NewReader(body)}), -1
				start := time.Now()
				w := serve(h, r)
				require.Equal(t, test.after, time.Since(start))
				if test.want != 0 {
					require.Equal(t, test.want, w.Code)
				}
				<-time.After(time.Minute)
				synctest.Wait()
				if !test.obeys && test.arrives < 8*time.Second {
					require.True(t, finished, "what was begun is finished")
				}
			})
		})
	}
}

type slow struct {
	d time.Duration
	io.Reader
}

func (s *slow) Read(b []byte) (int, error) {
	<-time.After(s.d)
	s.d = 0
	return s.Reader.Read(b)
}

func TestHandlerGoesOnWhenGenesysHangsUp(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	ctx, cancel := context.WithCancel(t.Context())
	h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), func(ctx context.Context, _ webhook.Notification) error {
		cancel()
		_, ok := ctx.Deadline()
		require.True(t, ok)
		return ctx.Err()
	})
	r := post(t, webhook.Sign(secretA, []byte(body)), body).WithContext(ctx)
	require.Equal(t, http.StatusOK, serve(h, r).Code)
}

func TestHandlerPanicAfterBudget(t *testing.T) {
	t.Parallel()
	body := string(text(integrationA))
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := webhook.NewHandler(newVerifier(t, endpoint(integrationA, secretA)), func(context.Context, webhook.Notification) error {
			<-time.After(time.Minute)
			panic("hunter2")
		}, webhook.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		require.Equal(t, http.StatusServiceUnavailable, serve(h, post(t, webhook.Sign(secretA, []byte(body)), body)).Code)
		<-time.After(time.Hour)
		synctest.Wait()
		require.Contains(t, log.String(), "panic")
		require.NotContains(t, log.String(), "hunter2")
	})
}
