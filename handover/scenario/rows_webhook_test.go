package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A webhookLine is the log line about a webhook that does not work.
type webhookLine struct {
	Level       string `json:"level"`
	Channel     string `json:"channel"`
	Path        string `json:"path"`
	Refused     string `json:"refused"`
	Fix         string `json:"fix"`
	Undelivered int    `json:"undelivered"`
}

// webhookLines are the log lines that name the path of a webhook.
func (w *wiretap) webhookLines(t *testing.T) (list []webhookLine) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range bytes.Lines(w.logs.Bytes()) {
		var l webhookLine
		if err := json.Unmarshal(line, &l); err == nil && l.Fix != "" {
			list = append(list, l)
		}
	}
	return list
}

// TestWebhookWithAWrongSecret checks that one log line and one notice per hour report refused
// posts, with the path, the refusal and the fix, for any number of lost messages. With the right
// secret there are no more.
func TestWebhookWithAWrongSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.AllowErrors())
		var w *wiretap
		wrong := handover.NewSecret("another-secret-that-is-long-enough")
		h := newHost(t, org, func(c *handover.Config) { w = logged(c); c.Channel.WebhookSecrets = []handover.Secret{wrong} })
		chat := h.connected(t, "c1", ann)
		for i := range 60 {
			chat.Say(fmt.Sprintf("private %d", i))
			pass(90 * time.Second)
		}
		require.Empty(t, h.lines())
		lines := w.webhookLines(t)
		require.Len(t, lines, 2, "in an hour and a half")
		require.Equal(t, "WARN", lines[0].Level)
		require.Equal(t, org.Channel().ID, lines[0].Channel)
		require.Equal(t, "/genesys", lines[0].Path)
		require.Equal(t, webhook.ErrSignature.Error(), lines[0].Refused)
		require.Contains(t, lines[0].Fix, "docs/setup.md#step-4")
		notices := h.noticed(handover.NoticeConnectionLost)
		require.Len(t, notices, 2)
		for _, n := range notices {
			require.Contains(t, n.Detail, `"/genesys"`)
			require.Contains(t, n.Detail, webhook.ErrSignature.Error())
			require.Contains(t, n.Detail, "docs/setup.md#step-4")
			require.Equal(t, "c1", n.Session.Key.Customer)
		}
		require.NotContains(t, w.logs.String(), "private")
		require.NotContains(t, w.logs.String(), "another-secret")
	})
}

// TestWebhookThatIsDead checks that messages that reads list and no webhook delivers for 2 minutes
// are reported once per hour, also if they are fetched.
func TestWebhookThatIsDead(t *testing.T) {
	t.Parallel()
	for name, permissions := range map[string][]string{
		"messages may be fetched": append(genesystest.GuidePermissions(), viewMessages),
		"messages are lost":       genesystest.GuidePermissions(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t, genesystest.AllowErrors(), genesystest.WithPermissions(permissions...))
				var w *wiretap
				h := buildHost(t, org, func(c *handover.Config) { w = logged(c) })
				d := &endpoint{Handler: h.handler()}
				org.DeliverTo(d, "/genesys")
				h.run(t.Context())
				chat := h.connected(t, "c1", ann)
				chat.Say("one")
				h.until(t, 1)
				pass(5 * time.Minute)
				require.Empty(t, w.webhookLines(t))
				d.shut.Store(true)
				for i := range 40 {
					chat.Say(fmt.Sprint("line ", i))
					pass(time.Minute)
				}
				lines := w.webhookLines(t)
				require.Len(t, lines, 1)
				require.Equal(t, "/genesys", lines[0].Path)
				require.Empty(t, lines[0].Refused)
				require.Positive(t, lines[0].Undelivered)
				notices := h.noticed(handover.NoticeConnectionLost)
				require.Len(t, notices, 1)
				require.Contains(t, notices[0].Detail, "none of its posts was refused")
				require.Contains(t, notices[0].Detail, `"/genesys"`)
				d.shut.Store(false)
				for i := range 80 {
					chat.Say(fmt.Sprint("again ", i))
					pass(time.Minute)
				}
				require.Len(t, w.webhookLines(t), 1, "it works again")
				require.Len(t, h.noticed(handover.NoticeConnectionLost), 1)
			})
		})
	}
}

// TestForgedPostsAreLoggedOnce checks that posts with a wrong signature, which anyone can send,
// cause one log line per channel and hour, and none for a channel that the host does not have.
func TestForgedPostsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		var w *wiretap
		h := newHost(t, org, func(c *handover.Config) {
			w = logged(c)
			channel := c.Channel
			c.Channel, c.Channels = handover.Channel{}, func(_ context.Context, id string) (handover.Channel, error) {
				if id == "c" {
					return handover.Channel{}, handover.ErrNoChannel
				}
				return channel, nil
			}
		})
		mux := http.NewServeMux()
		mux.Handle("POST /hooks/{channel}", webhook.NewHandler(h.desk, h.desk.Receive))
		for i := range 500 {
			for _, channel := range []string{"a", "b", "c"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/"+channel, bytes.NewReader([]byte(`{"text":"private"}`)))
				r.Header.Set(webhook.SignatureHeader, webhook.Sign(fmt.Sprint("private secret ", i), nil))
				mux.ServeHTTP(httptest.NewRecorder(), r)
			}
			pass(10 * time.Second)
		}
		paths := map[string]int{}
		for _, l := range w.webhookLines(t) {
			paths[l.Path]++
			require.Contains(t, l.Path, l.Channel)
		}
		require.Equal(t, map[string]int{"/hooks/a": 2, "/hooks/b": 2}, paths, "in 83 minutes")
		require.NotContains(t, w.logs.String(), "private")
	})
}
