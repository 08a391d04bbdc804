package scenario_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestUnreadableRecordIsNotQuoted checks that the error and the log line about an unreadable record
// contain a position, and nothing of the record: no value, and no key of a map (a decoder names
// both).
func TestUnreadableRecordIsNotQuoted(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"a value":               `{"format":3,"now":"cheated private"}`,
		"a key of a map":        `{"format":3,"words":[{"message":{"id":"m1","attributes":{"private":{}}}}],"out":{"entries":[{"opening":{"attributes":{"private":{}}}}]}}`,
		"text that is cut":      `{"format":3,"now":{"id":"private`,
		"text after the record": `{"format":3}private`,
		"a control character":   "{\"format\":3,\"now\":{\"id\":\"private\n\"}}",
		"a number":              `{"format":4711470000000000000000}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				tap := &wiretap{}
				h := newHost(t, org, func(c *handover.Config) {
					c.Store = handover.NewMemoryStore()
					c.Logger = slog.New(slog.NewJSONHandler(tap, &slog.HandlerOptions{Level: slog.LevelDebug}))
					k := handover.Key{Channel: c.Channel.ID, Customer: "c1"}
					require.NoError(t, c.Store.Put(t.Context(), handover.Record{Key: k, Revision: 1, Data: []byte(data), WakeAt: time.Now()}, 0))
				})
				_, err := h.desk.Forward(t.Context(), handover.Customer("c1"), handover.Text("m1", "hi"))
				require.ErrorContains(t, err, " at byte ")
				tap.fails(err)
				pass(time.Minute)
				tap.mu.Lock()
				defer tap.mu.Unlock()
				require.Contains(t, tap.logs.String(), "cannot read")
				require.NotContains(t, tap.logs.String(), "private")
				require.NotContains(t, tap.logs.String(), "4711")
			})
		})
	}
}

// TestUnreadableBodyIsNotQuoted checks the same for a webhook.
func TestUnreadableBodyIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"type":{"private":{}}}`, `{"type":"Text","channel":{"to":{"private":1,"id":{"private":1}}}}`, `{"type":"private`, `{}private`,
		`{"type":"Text","channel":"private"}`, `["private"]`, `"private"`,
	} {
		_, err := openmessaging.ParseOutbound([]byte(body))
		if err != nil {
			require.NotContains(t, err.Error(), "private")
		}
	}
}
