package integration_test

import (
	"net/http"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func scenarios() map[string]scenario {
	full := genesystest.WithPermissions(append(genesystest.GuidePermissions(), "conversation:communication:disconnect")...)
	view := genesystest.WithPermissions(append(genesystest.GuidePermissions(), "conversation:message:view")...)
	return map[string]scenario{
		"a customer writes":                   {play: customerWrites},
		"integrations":                        {play: readIntegrations},
		"queues":                              {play: readQueues},
		"an agent's conversation, end to end": {play: agentTalks, options: []genesystest.Option{genesystest.WithWrapup(time.Minute)}},
		"messages that were missed":           {play: fetchMissed, options: []genesystest.Option{view}},
		"transfer by the messages form":       {play: transferOtherwise, options: []genesystest.Option{genesystest.AllowErrors()}},
		"transfer to an agent":                {play: transferToAgent},
		"disconnect":                          {play: disconnect},
		"disconnect by the conversation":      {play: disconnectOtherwise, options: []genesystest.Option{full}},
		"notifications":                       {play: listens},
		"errors":                              {play: errorAnswers, options: []genesystest.Option{genesystest.AllowErrors()}},
		"missing permissions":                 {play: forbidden, options: []genesystest.Option{genesystest.AllowErrors(), genesystest.WithPermissions()}},
	}
}

// sentProperties are the properties that our models can write; each must have been sent.
func sentProperties() []string {
	return []string{
		"channel.from.id", "channel.from.idType", "channel.from.nickname", "channel.from.firstName", "channel.from.lastName",
		"channel.from.email", "channel.from.image", "channel.time", "channel.messageId", "channel.metadata.customAttributes.topic",
		"text", "content[].attachment.url", "content[].attachment.mime", "content[].attachment.mediaType",
		"content[].attachment.filename", "content[].attachment.text", "content[].attachment.sha256", "content[].attachment.id",
		"events[].eventType", "id", "channel.to.id", "status", "reasons[].code", "reasons[].message", "isFinalReceipt",
		"buttonResponse.type", "buttonResponse.text", "buttonResponse.payload", "originatingMessageId",
		"queueId", "userId", "state", "attributes.topic", "grant_type", "[].id",
	}
}

// errorStatuses returns the statuses of the error answers that the scenarios must produce.
func errorStatuses() []int {
	return []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		http.StatusTooManyRequests, http.StatusServiceUnavailable,
	}
}

func customer() openmessaging.Customer {
	return openmessaging.Customer{
		ID: "c1", IDType: openmessaging.IDOpaque, Nickname: "Kim", FirstName: "Kim", LastName: "Doe",
		Email: "kim@example.com", ImageURL: "https://example.com/kim.png",
	}
}

// say sends a customer's message and returns its conversation.
func (s *stage) say(text string) string {
	s.t.Helper()
	sent, err := s.client.OpenMessaging.Send(s.t.Context(), genesys.SendRequest{
		IntegrationID: s.channel.IntegrationID, PrefetchConversationID: true,
		Message: openmessaging.InboundMessage{
			From: customer(), MessageID: "m " + text, Time: time.Now(), Text: text, Attributes: map[string]string{"topic": "billing"},
		},
	})
	require.NoError(s.t, err)
	require.NotEmpty(s.t, sent.ConversationID)
	return sent.ConversationID
}

func customerWrites(s *stage) {
	s.say("hello")
	_, err := s.client.OpenMessaging.Send(s.t.Context(), genesys.SendRequest{
		IntegrationID: s.channel.IntegrationID,
		Message: openmessaging.InboundMessage{
			From: customer(), MessageID: "m2", Time: time.Now(), Attachment: &openmessaging.Attachment{
				ID: "a1", URL: "https://example.com/bill.pdf", MIME: "application/pdf", Filename: "bill.pdf", Caption: "the bill",
				MediaType: openmessaging.MediaFile, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			},
		},
	})
	require.NoError(s.t, err)
	require.NoError(s.t, s.client.OpenMessaging.SendTyping(s.t.Context(), s.channel.IntegrationID,
		openmessaging.InboundTyping{From: customer(), Time: time.Now()}))
}

func readIntegrations(s *stage) {
	one, err := s.client.Integrations.Get(s.t.Context(), s.channel.IntegrationID)
	require.NoError(s.t, err)
	count := 0
	for i, err := range s.client.Integrations.All(s.t.Context()) {
		require.NoError(s.t, err)
		require.Equal(s.t, *one, i)
		count++
	}
	require.Equal(s.t, 1, count)
}

func readQueues(s *stage) {
	ctx, routing := s.t.Context(), s.client.Routing
	s.org.Agent("Ann", "Support")
	queue, err := routing.QueueNamed(ctx, "Support", "")
	require.NoError(s.t, err)
	again, err := routing.Queue(ctx, queue.ID)
	require.NoError(s.t, err)
	require.Equal(s.t, queue.Name, again.Name)
	_, err = routing.QueueNamed(ctx, "Support", queue.DivisionID)
	require.NoError(s.t, err)
	_, err = routing.QueueNamed(ctx, "Supports", queue.DivisionID)
	require.ErrorIs(s.t, err, genesys.ErrNotFound)
	for _, err := range routing.Queues(ctx, genesys.QueueFilter{}) {
		require.NoError(s.t, err)
	}
	members := 0
	for m, err := range routing.Members(ctx, queue.ID) {
		require.NoError(s.t, err)
		require.Equal(s.t, "Ann", m.Name)
		members++
	}
	require.Equal(s.t, 1, members)
	_, _, err = routing.EstimatedWait(ctx, queue.ID)
	require.NoError(s.t, err)
}

func errorAnswers(s *stage) {
	ctx := s.t.Context()
	id := s.say("hello")
	_, err := s.client.Conversations.Get(ctx, "00000000-0000-4000-8000-000000000000")
	require.ErrorIs(s.t, err, genesys.ErrNotFound)
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict} {
		s.org.Inject(genesystest.Fault{Op: "conversations.get", Status: status})
		_, err := s.client.Conversations.Get(ctx, id)
		require.Error(s.t, err)
	}
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		s.org.Inject(genesystest.Fault{Op: "conversations.get", Status: status, RetryAfter: 2 * time.Second})
		_, err := s.client.Conversations.Get(ctx, id)
		require.NoError(s.t, err, "a read is repeated")
	}
	s.org.ExpireTokens()
	_, err = s.client.Conversations.Get(ctx, id)
	require.NoError(s.t, err, "a 401 fetches another token")
	s.org.RevokeClient()
	_, err = s.client.Conversations.Get(ctx, id)
	require.ErrorIs(s.t, err, genesys.ErrUnauthorized)
}

func forbidden(s *stage) {
	ctx := s.t.Context()
	_, err := s.client.Integrations.Get(ctx, s.channel.IntegrationID)
	require.ErrorIs(s.t, err, genesys.ErrForbidden)
	_, err = s.client.OpenMessaging.Send(ctx, genesys.SendRequest{
		IntegrationID: s.channel.IntegrationID,
		Message:       openmessaging.InboundMessage{From: customer(), MessageID: "m1", Time: time.Now(), Text: "hello"},
	})
	require.ErrorIs(s.t, err, genesys.ErrForbidden)
}
