package handover_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A whole handover, against the fake organisation of package genesystest.
func Example() {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	org, _ := genesystest.Start()
	defer func() { _ = org.Close() }()
	lines := make(chan string, 1)
	desk, err := handover.New(handover.Config{
		Channel: org.Channel(),
		Deliver: func(_ context.Context, d handover.Delivery) error { lines <- "agent: " + d.Message.Text; return nil },
		Return: func(_ context.Context, r handover.Return) error {
			lines <- "back with the bot: ended by the " + string(r.Session.Ending.Reason)
			return nil
		},
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	org.Signal(desk.Recheck)
	org.DeliverTo(webhook.NewHandler(desk, desk.Receive), "/genesys")
	go func() { _ = desk.Run(ctx) }()

	customer := handover.Customer("c1")
	_, _ = desk.HandOver(ctx, customer, handover.Request{ID: "r1", Summary: "wants a refund"})
	turn, _ := desk.Forward(ctx, customer, handover.Text("m1", "are you there?"))
	fmt.Println("turn:", turn)
	offer, _ := org.Agent("Ann", "Support").Next(ctx)
	chat := offer.Accept()
	_ = org.Await(ctx, func() bool { return len(chat.Texts()) == 2 })
	fmt.Println(chat.Texts())
	chat.Say("Here I am.")
	fmt.Println(<-lines)
	_ = desk.End(ctx, customer, handover.EndByCustomer)
	fmt.Println(<-lines)
	// Output:
	// turn: agent
	// [wants a refund are you there?]
	// agent: Here I am.
	// back with the bot: ended by the customer
}

// The host calls Forward for every message of the customer, before the bot processes it. Reply
// sends the bot's answer unless an agent has joined since.
func ExampleManager_Reply() {
	ctx, desk := context.Background(), exampleDesk()
	customer, message := handover.Customer("c1"), handover.Text("m1", "hello")
	turn, err := desk.Forward(ctx, customer, message)
	switch {
	case errors.Is(err, handover.ErrBacklog):
		fmt.Println("please wait a moment")
	case err != nil:
		fmt.Println("try again:", err)
	case turn == handover.TurnAgent: // on its way to the agent
	default:
		answer := "how can I help?" // this may take a while
		_, err = desk.Reply(ctx, customer, message, func(context.Context) error {
			fmt.Println(answer)
			return nil
		})
		if err != nil {
			fmt.Println("try again:", err)
		}
	}
	// Output: how can I help?
}

// A bad request fails at once, with the field, the limit and the fix.
func ExampleManager_HandOver() {
	_, err := exampleDesk().HandOver(context.Background(), handover.Customer("c1"), handover.Request{ID: "r1"})
	fmt.Println(errors.Is(err, handover.ErrInvalid))
	fmt.Println(err)
	// Output:
	// true
	// handover: Request has no Summary and no Transcript: Genesys needs a first message, set one of them
}

// Undeliverable reports that a retry is useless, so the agent sees the failure at once.
func ExampleUndeliverable() {
	deliver := func(_ context.Context, d handover.Delivery) error {
		if len(d.Message.Content) > 0 {
			return handover.Undeliverable(openmessaging.ReasonMediaTypeNotAllowed, errors.New("SMS takes text only"))
		}
		return nil // sent
	}
	err := deliver(context.Background(), handover.Delivery{
		Message: openmessaging.Message{Content: openmessaging.Contents{openmessaging.Attachment{URL: "https://files.example/a.pdf"}}},
	})
	fmt.Println(err)
	// Output: handover: undeliverable: MediaTypeNotAllowed: SMS takes text only
}

// A secret does not show itself.
func ExampleSecret() {
	c := handover.Channel{ClientSecret: handover.NewSecret("hunter2")}
	fmt.Println(c.ClientSecret, c.ClientSecret.Reveal())
	// Output: [redacted] hunter2
}

// The mistakes of a configuration are all reported at once.
func ExampleChannel_Validate() {
	c := exampleChannel()
	c.AgentQueue, c.Routing = "", "magic"
	fmt.Println(c.Validate())
	c = exampleChannel()
	c.BotQueue = c.AgentQueue
	fmt.Println(c.Validate())
	// Output:
	// handover: Channel.Routing is "magic": use one of ["" "flow"]
	// handover: Channel.BotQueue and AgentQueue are the same: the flow must put conversations into another queue (docs/setup.md#step-5)
}

// Many tenants: the webhook's path names the channel.
func ExampleConfig_channels() {
	desk, err := handover.New(handover.Config{
		Channels: func(_ context.Context, id string) (handover.Channel, error) {
			if id != "acme" {
				return handover.Channel{}, handover.ErrNoChannel
			}
			return exampleChannel(), nil // from the host's own database
		},
		Deliver: func(context.Context, handover.Delivery) error { return nil },
		Return:  func(context.Context, handover.Return) error { return nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /genesys/{channel}", webhook.NewHandler(desk, desk.Receive))
	_, err = desk.Client(context.Background(), "nobody")
	fmt.Println(errors.Is(err, handover.ErrNoChannel))
	// Output: true
}

func exampleChannel() handover.Channel {
	return handover.Channel{
		ID: "shop", Region: region.EUWest1, ClientID: "client", ClientSecret: handover.NewSecret("s3cr3t-of-the-client"),
		IntegrationID:  "11111111-2222-3333-4444-555555555555",
		WebhookSecrets: []handover.Secret{handover.NewSecret("a-secret-of-16-characters")}, BotQueue: "Bot", AgentQueue: "Support",
	}
}

func exampleDesk() *handover.Manager {
	desk, err := handover.New(handover.Config{
		Channel: exampleChannel(),
		Deliver: func(context.Context, handover.Delivery) error { return nil },
		Return:  func(context.Context, handover.Return) error { return nil },
	})
	if err != nil {
		panic(err)
	}
	return desk
}
