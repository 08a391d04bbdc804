package genesys_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/region"
)

// cloud answers like Genesys Cloud in these examples; package genesystest has a whole one.
func cloud(status int, body string) genesys.Option {
	return genesys.WithHTTPClient(&http.Client{Transport: &wire{handle: func(w http.ResponseWriter, _ *http.Request) {
		answer(w, status, body)
	}}})
}

func ExampleNew() {
	client, err := genesys.New(region.EUWest1, genesys.ClientCredentials("client id", "client secret"),
		genesys.WithUserAgent("acme-bots/7"),
		genesys.WithRetry(genesys.RetryPolicy{Max: 2, MinWait: time.Second, MaxWait: 10 * time.Second}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Region().API())
	// Output: https://api.mypurecloud.ie
}

func ExampleNew_mistakes() {
	_, err := genesys.New("", genesys.ClientCredentials("client id", ""))
	fmt.Println(err)
	// Output:
	// genesys: New: region "" is not known: use region.Parse, or region.Custom for a new one
	// genesys: New: ClientCredentials needs both the id and the secret of the OAuth client
}

func ExampleOpenMessagingService_Send() {
	client, _ := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"), cloud(200, `{"id":"m","conversationId":"c-1"}`))
	sent, err := client.OpenMessaging.Send(context.Background(), genesys.SendRequest{
		IntegrationID: "1e000000-0000-4000-8000-000000000007",
		Message: openmessaging.InboundMessage{
			From: openmessaging.Customer{ID: "visitor-17"}, MessageID: "m-1", Time: time.Now(), Text: "I need a person.",
		},
		PrefetchConversationID: true,
	})
	fmt.Println(sent.ConversationID, err)
	// Output: c-1 <nil>
}

func ExampleEffectOf() {
	client, _ := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"), cloud(503, `{"code":"service.unavailable"}`))
	err := client.Conversations.TransferToQueue(context.Background(), "conversation", "participant", "queue")
	switch genesys.EffectOf(err) {
	case genesys.EffectNone:
		fmt.Println("try again")
	case genesys.EffectRefused:
		fmt.Println("do not")
	case genesys.EffectUnknown:
		fmt.Println("read the conversation first:", err)
	}
	// Output: read the conversation first: genesys: conversations.transferToQueue: 503 service.unavailable
}

func ExampleError() {
	client, _ := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"),
		cloud(403, `{"code":"missing.permissions","messageParams":{"permissions":"[routing:queue:view]"}}`))
	_, err := client.Routing.QueueNamed(context.Background(), "Support", "")
	fmt.Println(errors.Is(err, genesys.ErrForbidden))
	if e, ok := errors.AsType[*genesys.Error](err); ok {
		fmt.Println(e.MissingPermissions)
	}
	fmt.Println(err)
	// Output:
	// true
	// [routing:queue:view]
	// genesys: routing.queues.list: 403 missing.permissions: missing routing:queue:view: add it to a role of the OAuth client, in the division concerned
}

func ExampleRoutingService_QueueNamed() {
	client, _ := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"),
		cloud(200, `{"entities":[{"id":"q-1","name":"Support"},{"id":"q-2","name":"Sales"}],"pageCount":1}`))
	queue, err := client.Routing.QueueNamed(context.Background(), "Support", "")
	fmt.Println(queue.ID, err)
	_, err = client.Routing.QueueNamed(context.Background(), "support", "")
	fmt.Println(err)
	// Output:
	// q-1 <nil>
	// genesys: no queue is named "support"; near: "Support". The name must be exact
}

func ExampleConversation_Standing() {
	opened := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	conversation := genesys.Conversation{Participants: []genesys.Participant{
		{Purpose: genesys.PurposeCustomer, State: genesys.StateConnected, Start: opened},
		{Purpose: genesys.PurposeACD, State: genesys.StateDisconnected, End: opened.Add(time.Minute)},
		{Purpose: genesys.PurposeAgent, State: genesys.StateConnected, Name: "Grace", Connected: opened.Add(time.Minute)},
	}}
	standing := conversation.Standing(opened)
	fmt.Println(standing.Phase, standing.Agent.Name)
	// Output: connected Grace
}

func ExampleClient_Do() {
	client, _ := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"), cloud(200, `{"total":3}`))
	var languages struct{ Total int }
	err := client.Do(context.Background(), genesys.Request{Op: "routing.languages.list", Path: []string{"routing", "languages"}}, &languages)
	fmt.Println(languages.Total, err)
	// Output: 3 <nil>
}
