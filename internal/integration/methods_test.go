package integration_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const (
	tokenEndpoint = "POST /oauth/token" //nolint:gosec // a path
	messages      = "/api/v2/conversations/messages"
	inbound       = "POST " + messages + "/{integrationId}/inbound/open"
	participants  = "/participants/{participantId}"
	integrations  = "GET /api/v2/conversations/messaging/integrations/open"
	queues        = "GET /api/v2/routing/queues"
	channels      = "POST /api/v2/notifications/channels"
)

// methods lists every exported method of the client and the operations it calls. TestContract fails
// for an operation here that it never saw succeed, and for one it saw that is not here.
func methods() map[string][]string {
	conversation := messages + "/{conversationId}"
	transfer := "POST /api/v2/conversations/{conversationId}" + participants + "/replace"
	return map[string][]string{
		"OpenMessaging.Send":        {inbound + "/message"},
		"OpenMessaging.SendTyping":  {inbound + "/event"},
		"OpenMessaging.SendReceipt": {inbound + "/receipt"},
		"OpenMessaging.SendReply":   {inbound + "/structured/response"},

		"Integrations.Get": {integrations + "/{integrationId}"},
		"Integrations.All": {integrations},

		"Routing.Queue":         {queues + "/{queueId}"},
		"Routing.Queues":        {queues},
		"Routing.QueueNamed":    {queues},
		"Routing.Members":       {queues + "/{queueId}/members"},
		"Routing.EstimatedWait": {queues + "/{queueId}/mediatypes/{mediaType}/estimatedwaittime"},

		"Conversations.Get":             {"GET " + conversation},
		"Conversations.TransferToQueue": {transfer + "/queue", "POST " + conversation + participants + "/replace"},
		"Conversations.TransferToAgent": {transfer + "/agent", "POST " + conversation + participants + "/replace"},
		"Conversations.Disconnect": {
			"GET " + conversation,
			"PATCH " + conversation + participants + "/communications/{communicationId}",
			"PATCH " + conversation,
		},
		"Conversations.Messages":      {"POST " + conversation + "/messages/bulk"},
		"Conversations.SetAttributes": {"PATCH " + conversation + participants + "/attributes"},

		"Do": { // the operation of its caller; the listener of package notifications calls it
			channels, "HEAD /api/v2/notifications/channels/{channelId}", "PUT /api/v2/notifications/channels/{channelId}/subscriptions",
		},
		"Download":   nil, // an address from a message, outside of the API
		"Region":     nil, // no request
		"Endpoint":   nil, // no request
		"HTTPClient": nil, // no request
		"WithRetry":  nil, // no request
	}
}

// TestEveryMethodIsListed keeps methods complete: a new method of the client fails here until it is
// exercised.
func TestEveryMethodIsListed(t *testing.T) {
	t.Parallel()
	client := reflect.TypeFor[*genesys.Client]()
	var found []string
	for m := range client.Methods() {
		found = append(found, m.Name)
	}
	for field := range client.Elem().Fields() {
		if !field.IsExported() {
			continue
		}
		for m := range field.Type.Methods() {
			found = append(found, field.Name+"."+m.Name)
		}
	}
	slices.Sort(found)
	listed := methods()
	for _, name := range found {
		require.Contains(t, listed, name, "a method that TestContract does not know")
	}
	require.Len(t, listed, len(found), "a method is listed that the client does not have: %v", found)
}
