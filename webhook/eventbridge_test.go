package webhook_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// bridge wraps an event body as AWS hands it to a target.
func bridge(topic, body string) string {
	return `{"version":"0","id":"e","detail-type":"v2.x.{id}","source":"aws.partner/genesys.com/cloud/o/bus","resources":[],` +
		`"detail":{"topicName":"` + topic + `","version":"2","eventBody":` + body + `,"metadata":{"CorrelationId":"k"}}}`
}

func TestParseEventBridgeConversation(t *testing.T) {
	t.Parallel()
	const detail = "v2.detail.events.conversation." + conversation + ".user.end"
	tests := []struct {
		name, event, want string
		decode            bool
	}{
		{"detail event", bridge(detail, `{"eventTime":1,"conversationId":"`+conversation+`","id":"other"}`), conversation, false},
		{"nested conversation", bridge("x", `{"conversation":{"id":"`+conversation+`"}}`), conversation, false},
		{"id in the topic alone", bridge(detail, `{"eventTime":1}`), conversation, false},
		{"id in the topic alone, no body", bridge(detail, `null`), conversation, false},
		{"transcription topic", bridge("v2.conversations."+conversation+".transcription", `{}`), conversation, false},
		{"queue's conversations", bridge("v2.routing.queues.q.conversations.messages", `{"id":"`+conversation+`","participants":[]}`), conversation, false},
		{"user's conversations", bridge("v2.users.u.conversations", `{"id":"`+conversation+`"}`), conversation, false},
		{"detail alone", `{"topicName":"` + detail + `","eventBody":{"conversationId":"` + conversation + `"}}`, conversation, false},
		{"topic in detail-type alone", `{"detail-type":"v2.users.{id}.conversations","detail":{"eventBody":{"id":"` + conversation + `"}}}`, conversation, false},
		{"members of other types", bridge(detail, `{"conversation":"x","id":7,"conversationId":"`+conversation+`"}`), conversation, false},
		{"another thing's id", bridge("v2.users.u.presence", `{"id":"u"}`), "", false},
		{"a queue's statistics", bridge("v2.analytics.queues.q.observations", `{"id":"q"}`), "", false},
		{"no id at all", bridge("v2.detail.events.conversation.{id}.user.end", `{}`), "", false},
		{"not a conversation id", bridge(detail, `{"conversationId":"../../x"}`), "", false},
		{"empty object", `{}`, "", false},
		{"null", `null`, "", false},
		{"array", `[]`, "", true},
		{"empty", ``, "", true},
		{"cut off", `{"detail":{"eventBody":{"conversationId":"x"`, "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.ParseEventBridge([]byte(test.event))
			require.Equal(t, test.want, got.ConversationID)
			if test.want != "" {
				require.NoError(t, err)
				return
			}
			_, decode := errors.AsType[*webhook.DecodeError](err)
			require.Equal(t, test.decode, decode, err)
			require.Equal(t, !test.decode, errors.Is(err, webhook.ErrNoConversation), err)
		})
	}
}

func FuzzEventBridge(f *testing.F) {
	for _, s := range []string{
		bridge("v2.detail.events.conversation.c.acw", `{"conversationId":"c"}`), bridge("v2.conversations.c.x", `[]`), bridge("v2.users.u.conversations", `{"id":"c"}`),
		`{"detail":7}`, `{"detail":{"eventBody":[]}}`, `[]`, ``, `null`, `{"eventBody":{"conversationId":"c"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		e, err := webhook.ParseEventBridge(event)
		if err != nil {
			require.Zero(t, e)
			return
		}
		require.Regexp(t, `^[A-Za-z0-9-]{1,128}$`, e.ConversationID)
		require.Less(t, e.Time.Year(), 10000)
	})
}

func TestParseEventBridgeCustomerEnded(t *testing.T) {
	t.Parallel()
	const prefix = "v2.detail.events.conversation."
	for event, want := range map[string]bool{
		`{"detail-type":"` + prefix + `{id}.customer.end","detail":{"eventBody":{"conversationId":"c"}}}`: true,
		`{"detail":{"topicName":"` + prefix + `c.customer.end","eventBody":{"disconnectType":7}}}`:        true,
		`{"topicName":"` + prefix + `c.customer.end"}`:                                                    true,
		`{"detail":{"topicName":"` + prefix + `c.user.end"}}`:                                             false,
		`{"detail":{"topicName":"` + prefix + `c.acd.end"}}`:                                              false,
		`{"detail":{"topicName":"v2.routing.queues.q.conversations.messages","eventBody":{"id":"c"}}}`:    false,
		`{"detail":{"topicName":"other.customer.end","eventBody":{"conversationId":"c"}}}`:                false,
	} {
		got, err := webhook.ParseEventBridge([]byte(event))
		require.NoError(t, err, event)
		require.Equal(t, want, got.CustomerEnded, event)
	}
}

func TestParseEventBridgeTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 20, 0, 0, 5e6, time.UTC)
	for event, want := range map[string]time.Time{
		`{"time":"2026-11-27T20:00:09Z","detail":{"eventBody":{"conversationId":"c","eventTime":1795809600005}}}`: at,
		`{"topicName":"x","eventBody":{"conversationId":"c","eventTime":1795809600005}}`:                          at,
		`{"detail":{"eventBody":{"conversationId":"c","eventTime":"2026-11-27T21:00:00.005+01:00"}}}`:             at,
		`{"time":"2026-11-27T20:00:09Z","detail":{"eventBody":{"conversationId":"c"}}}`:                           at.Add(8995 * time.Millisecond),
		`{"time":"2026-11-27T20:00:09Z","detail":{"eventBody":{"conversationId":"c","eventTime":{"a":1}}}}`:       at.Add(8995 * time.Millisecond),
		`{"time":7e9,"detail":{"eventBody":{"conversationId":"c","eventTime":-5}}}`:                               {},
		`{"detail":{"eventBody":{"conversationId":"c","eventTime":9223372036854775807}}}`:                         {},
		`{"detail":{"eventBody":{"conversationId":"c","eventTime":null}}}`:                                        {},
	} {
		got, err := webhook.ParseEventBridge([]byte(event))
		require.NoError(t, err, event)
		require.Equal(t, want, got.Time, event)
	}
}
