package notifications_test

import (
	"context"
	"fmt"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/notifications"
	"github.com/genesyshandover/genesyshandover/region"
)

// For a handover, use desk.Recheck as changed and desk.SocketOwner("") as the owner.
func ExampleNew() {
	client, err := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"))
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := notifications.New(client,
		[]notifications.Topic{notifications.QueueMessages("b2b2b2b2-0000-4000-8000-00000000000b")},
		notifications.WithObserver(func(e notifications.Event) { fmt.Println(e.Kind) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	changed := func(_ context.Context, conversationID string) error {
		fmt.Println("read again:", conversationID) // empty: all conversations
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	stop() // at the end of the program
	fmt.Println(listener.Run(ctx, changed))
	// Output: context canceled
}
