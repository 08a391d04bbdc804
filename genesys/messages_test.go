package genesys_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	f := load(t, "conversations.messages")
	w := &wire{handle: f.ServeHTTP}
	list, err := w.client(t).Conversations.Messages(t.Context(), conversation, []string{
		"0b000000-0000-4000-8000-000000000004", "0b000000-0000-4000-8000-000000000003", "0b000000-0000-4000-8000-000000000009",
	})
	require.NoError(t, err)
	f.matches(t, w.all()[0])
	require.Len(t, list, 2, "what Genesys does not know is left out")

	known, bare := list[0], list[1]
	require.Equal(t, "0b000000-0000-4000-8000-000000000003", known.ID)
	require.True(t, known.Outbound)
	require.Equal(t, at(0, 30), known.Time)
	require.Equal(t, "delivery-success", known.Status)
	require.Equal(t, "ada", known.Message.CustomerID)
	require.Equal(t, integration, known.Message.IntegrationID)
	require.Equal(t, openmessaging.OriginHuman, known.Message.Origin)
	require.Equal(t, openmessaging.Message{Text: "Let me look."}, known.Message.Body)

	require.Equal(t, bare.ID, bare.Message.ID, "nothing normalized: still named and timed")
	require.Equal(t, at(0, 40), bare.Message.Time)
	require.IsType(t, openmessaging.UnknownBody{}, bare.Message.Body)
}

func TestMessagesRefusals(t *testing.T) {
	t.Parallel()
	w := &wire{handle: empty}
	c := w.client(t)
	list, err := c.Conversations.Messages(t.Context(), conversation, nil)
	require.NoError(t, err)
	require.Empty(t, list)
	_, err = c.Conversations.Messages(t.Context(), conversation, make([]string, genesys.MaxBulkMessages+1))
	require.ErrorContains(t, err, "51 ids, the limit is 50")
	_, err = c.Conversations.Messages(t.Context(), conversation, []string{"a", ""})
	require.ErrorContains(t, err, "an id is empty")
	require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
	require.Empty(t, w.all())

	forbidden := &wire{handle: func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, http.StatusForbidden, missing("conversation:message:view"))
	}}
	_, err = forbidden.client(t).Conversations.Messages(t.Context(), conversation, []string{"a"})
	require.ErrorIs(t, err, genesys.ErrForbidden)
	require.ErrorContains(t, err, "conversation:message:view")
}
