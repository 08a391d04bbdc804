package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A failureLine is a log line about a callback that failed.
type failureLine struct {
	Level    string `json:"level"`
	Callback string `json:"callback"`
	Channel  string `json:"channel"`
	Customer string `json:"customer"`
	Error    string `json:"error"`
	Stack    string `json:"stack"`
	Attempts int    `json:"attempts"`
}

// failures returns the log lines about a callback.
func (w *wiretap) failures(t *testing.T, callback string) []failureLine {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []failureLine
	for line := range bytes.Lines(w.logs.Bytes()) {
		var l failureLine
		require.NoError(t, json.Unmarshal(line, &l))
		if l.Callback == callback {
			list = append(list, l)
		}
	}
	return list
}

func logged(c *handover.Config) *wiretap {
	w := &wiretap{}
	c.Logger = slog.New(slog.NewJSONHandler(w, nil))
	return w
}

// TestCallbackFailuresAreLogged checks that a failing callback is logged at its first failure
// and whenever the attempts have doubled, with the error text, truncated. A panic is logged
// with its type and stack, never with its value.
func TestCallbackFailuresAreLogged(t *testing.T) {
	t.Parallel()
	long := "the database is down: " + strings.Repeat("x", 300)
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New(long) },
		"panic": func() error { panic("a private value") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				var w *wiretap
				h := newHost(t, org, func(c *handover.Config) {
					w = logged(c)
					c.Typing = func(context.Context, handover.TypingEvent) { _ = fail() }
				})
				chat := h.connected(t, "c1", ann)
				h.failing(func(context.Context, handover.Delivery) error { return fail() })
				chat.Type()
				chat.Say("Hello!")
				pass(3 * time.Minute)
				h.failing(nil)
				h.notifying(func(context.Context, handover.Notice) error { return fail() })
				h.returning(func(context.Context, handover.Return) error { return fail() })
				chat.End()
				pass(30 * time.Minute)
				for _, callback := range []string{"Deliver", "Notify", "Return"} {
					lines := w.failures(t, callback)
					require.GreaterOrEqual(t, len(lines), 3, callback)
					want := 1
					var first []int
					for _, l := range lines {
						require.Equal(t, org.Channel().ID, l.Channel)
						require.Regexp(t, `^[0-9a-f]{12}$`, l.Customer)
						if l.Attempts == 1 {
							first, want = nil, 1
						}
						if callback != "Notify" { // several notices fail
							require.Equal(t, want, l.Attempts)
						}
						first, want = append(first, l.Attempts), want*2
						if name == "panic" {
							require.Equal(t, "ERROR", l.Level)
							require.Contains(t, l.Error, "string")
							require.Contains(t, l.Stack, "callbacks_test.go")
							continue
						}
						require.Equal(t, "WARN", l.Level)
						require.Empty(t, l.Stack)
						require.True(t, strings.HasPrefix(l.Error, "the database is down"), l.Error)
						require.LessOrEqual(t, len(l.Error), 204)
					}
					require.NotEmpty(t, first)
				}
				if name == "panic" {
					require.Len(t, w.failures(t, "Typing"), 1)
				}
				require.NotContains(t, w.logs.String(), "a private value")
			})
		})
	}
}

// keptForAMonth returns a host with signals that keeps records for 30 days, and its log.
func keptForAMonth(t *testing.T, org *genesystest.Org) (*host, *wiretap) {
	t.Helper()
	var w *wiretap
	h := newHost(t, org, func(c *handover.Config) { w = logged(c); c.Channel.Timers.Retention = 30 * 24 * time.Hour })
	org.Signal(h.desk.Recheck)
	return h, w
}

// TestReturnIsGivenUpAfterSevenDays checks that a Return that fails for 7 days is tried at most
// once an hour, appears in Explain, and is then given up with a log line and a notice for each
// message.
func TestReturnIsGivenUpAfterSevenDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h, w := keptForAMonth(t, org)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		h.returning(func(context.Context, handover.Return) error { panic("a private value") })
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		h.says(t, "c1", "m2", "two", handover.TurnAgent)
		pass(time.Hour)
		text, err := h.desk.Explain(t.Context(), handover.Customer("c1"))
		require.NoError(t, err)
		require.Contains(t, text, "fails since")
		require.Empty(t, h.noticed(handover.NoticeMessageFailed))
		pass(8 * 24 * time.Hour)
		tries := h.tries("back:")
		require.Greater(t, tries, 7*24)
		require.Less(t, tries, 400)
		var ids []string
		for _, n := range h.noticed(handover.NoticeMessageFailed) {
			ids = append(ids, n.MessageID)
		}
		require.Equal(t, []string{"m1", "m2"}, ids)
		require.Less(t, len(w.failures(t, "Return")), 12)
		require.Contains(t, w.logs.String(), "given up")
		require.NotContains(t, w.logs.String(), "a private value")
		pass(24 * time.Hour)
		require.Equal(t, tries, h.tries("back:"))
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestFailingReturnDoesNotDelayASession checks that a Return that is tried once an hour does
// not delay the next session, which replaces it.
func TestFailingReturnDoesNotDelayASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h, chat := signalled(t)
		pass(time.Minute)
		h.returning(func(context.Context, handover.Return) error { return errors.New("down") })
		chat.End()
		pass(24 * time.Hour)
		h.returning(nil)
		h.handOver(t, "c1", "r2")
		next := ann.Wait(t).Accept()
		next.Say("Hello again!")
		pass(20 * time.Second)
		require.Equal(t, []string{"agent: Hello again!"}, h.lines(), "the agents answer for what the Return held")
	})
}

// slowTenants returns a Manager that finds its channels with a function.
func slowTenants(t *testing.T, org *genesystest.Org, find func(context.Context, string) (handover.Channel, error)) (*handover.Manager, *wiretap) {
	t.Helper()
	c := handover.Config{
		Channels: find,
		Deliver:  func(context.Context, handover.Delivery) error { return nil },
		Return:   func(context.Context, handover.Return) error { return nil },

		ClientOptions: []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())},
	}
	w := logged(&c)
	m, err := handover.New(c)
	require.NoError(t, err)
	go func() { _ = m.Run(t.Context()) }()
	return m, w
}

// ask posts an unsigned request for a channel and returns the status.
func ask(ctx context.Context, m *handover.Manager, channel string) int {
	mux := http.NewServeMux()
	mux.Handle("POST /genesys/{channel}", webhook.NewHandler(m, m.Receive))
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/genesys/"+channel, strings.NewReader("{}"))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Code
}

// TestPanicInChannelsFailsTheLookup checks that a panic in Channels fails only that lookup,
// also in a sweep.
func TestPanicInChannelsFailsTheLookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		var panics atomic.Bool
		m, w := slowTenants(t, org, func(context.Context, string) (handover.Channel, error) {
			if panics.Load() {
				panic("a private value")
			}
			return org.Channel(), nil
		})
		org.DeliverTo(http.NotFoundHandler(), "/")
		_, err := m.HandOver(t.Context(), handover.Key{Channel: "a", Customer: "c1"}, handover.Request{ID: "r1", Summary: "s"})
		require.NoError(t, err)
		panics.Store(true)
		pass(2 * time.Minute)
		require.NoError(t, m.Recheck(t.Context(), ""))
		require.Equal(t, http.StatusServiceUnavailable, ask(t.Context(), m, "a"))
		pass(2 * time.Minute)
		require.NotEmpty(t, w.failures(t, "Channels"))
		require.NotContains(t, w.logs.String(), "a private value")
		panics.Store(false)
		require.Equal(t, http.StatusUnauthorized, ask(t.Context(), m, "a"))
	})
}

// TestChannelsLookupSurvivesItsCaller checks that a caller that disconnects does not cancel a
// lookup that others wait for.
func TestChannelsLookupSurvivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		m, _ := slowTenants(t, org, func(ctx context.Context, _ string) (handover.Channel, error) {
			select {
			case <-time.After(2 * time.Second):
				return org.Channel(), nil
			case <-ctx.Done():
				return handover.Channel{}, ctx.Err()
			}
		})
		ctx, hangUp := context.WithCancel(t.Context())
		var first, second int
		var wg sync.WaitGroup
		wg.Go(func() { first = ask(ctx, m, "a") })
		synctest.Wait()
		wg.Go(func() { second = ask(t.Context(), m, "a") })
		pass(time.Second)
		hangUp()
		wg.Wait()
		require.Equal(t, []int{http.StatusServiceUnavailable, http.StatusUnauthorized}, []int{first, second})
	})
}

// TestChannelsLookupIsLimitedTo10Seconds checks that callers wait at most 10 seconds for a
// lookup.
func TestChannelsLookupIsLimitedTo10Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		release := make(chan struct{})
		m, _ := slowTenants(t, org, func(context.Context, string) (handover.Channel, error) {
			<-release
			return org.Channel(), nil
		})
		began := time.Now()
		_, err := m.Client(t.Context(), "a")
		require.ErrorContains(t, err, "Config.Channels")
		require.Equal(t, 10*time.Second, time.Since(began))
		close(release)
	})
}

// TestLookupsOfUnknownChannelsAreLimited checks that refusals are cached for 10 seconds, and
// that at most 16 lookups of unknown names by unsigned requests run at once.
func TestLookupsOfUnknownChannelsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		var asked atomic.Int32
		m, _ := slowTenants(t, org, func(_ context.Context, id string) (handover.Channel, error) {
			asked.Add(1)
			wait(time.Second)
			return handover.Channel{}, fmt.Errorf("tenant %q: %w", id, handover.ErrNoChannel)
		})
		for range 3 {
			require.Equal(t, http.StatusNotFound, ask(t.Context(), m, "nobody"))
		}
		require.EqualValues(t, 1, asked.Load())
		pass(10 * time.Second)
		require.Equal(t, http.StatusNotFound, ask(t.Context(), m, "nobody"))
		require.EqualValues(t, 2, asked.Load())

		codes := make([]int, 20)
		var wg sync.WaitGroup
		for i := range codes {
			wg.Go(func() { codes[i] = ask(t.Context(), m, fmt.Sprint("name", i)) })
		}
		wg.Wait()
		slices.Sort(codes)
		require.Equal(t, http.StatusNotFound, codes[15])
		require.Equal(t, http.StatusServiceUnavailable, codes[16])
		require.EqualValues(t, 18, asked.Load())
	})
}
