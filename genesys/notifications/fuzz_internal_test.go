package notifications

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Messages are untrusted: none may cause a panic, and an id must be safe in a path.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		`{"topicName":"channel.metadata","eventBody":{"message":"pong"}}`,
		`{"topicName":"v2.system.socket_closing"}`,
		`{"topicName":"v2.routing.queues.q.conversations.messages","eventBody":{"id":"a-1"}}`,
		`{"topicName":"v2.detail.events.conversation.b.customer.end","eventBody":{"conversationId":"b"}}`,
		`{"topicName":7,"eventBody":[]}`, `{"topicName":"v2.conversations.c.x"}`, `{`, ``, `null`, `[]`, "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := readMessage(b)
		require.Regexp(t, `^[A-Za-z0-9-]{0,128}$`, m.conversation)
		if m.conversation != "" {
			require.False(t, m.closing || m.unreadable)
		}
	})
}

// Stored state is untrusted too.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"id":"a","uri":"wss://streaming.test/a","created":"2026-01-02T03:04:05Z","life":86400}`))
	f.Add([]byte(`{"id":"a","uri":"wss://streaming.test/a","life":1e300}`))
	f.Add([]byte(`{"life":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ch, ok := readChannel(b)
		if !ok {
			require.Zero(t, ch)
			return
		}
		again, ok := readChannel(ch.state())
		require.True(t, ok)
		require.Equal(t, ch.ID, again.ID)
		require.LessOrEqual(t, ch.renewAfter(), channelLife)
		require.Positive(t, ch.renewAfter())
	})
}
