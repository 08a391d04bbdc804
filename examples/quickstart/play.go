package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// patience is the timeout of the whole play, which takes a few seconds.
const patience = 2 * time.Minute

// play runs the conversation against a fake organization with agents who follow a script.
func play(ctx context.Context, s *story) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	org, err := genesystest.Start()
	if err != nil {
		return err
	}
	defer func() { _ = org.Close() }()
	b, err := wire(org.Channel(), s, genesys.WithHTTPClient(org.HTTPClient()))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /genesys", webhook.NewHandler(b.desk, b.desk.Receive))
	org.DeliverTo(mux, "/genesys")
	org.Queue("Support").SetEstimatedWait(2 * time.Minute)

	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.desk.Run(running) })
	wg.Go(func() { _ = b.listen(running, "Support", "Billing") })
	err = script(ctx, org, b)
	stop()
	wg.Wait()
	return err
}

// wire has all the code that a program needs to use the SDK.
func wire(c handover.Channel, s *story, opts ...genesys.Option) (*bot, error) {
	b := &bot{story: s}
	desk, err := handover.New(handover.Config{
		Channel:       c,
		Deliver:       b.deliver,
		Return:        b.resume,
		Notify:        b.notify,
		ClientOptions: append(opts, genesys.WithObserver(s.called)),
	})
	b.desk = desk
	return b, err
}

func script(ctx context.Context, org *genesystest.Org, b *bot) error {
	ann, ben := org.Agent("Ann", "Support"), org.Agent("Ben", "Support")
	cleo := org.Agent("Cleo", "Billing")

	b.story.chapter("The bot answers, until it cannot.")
	for i, text := range []string{"Hello", "When are you open?", "Why was I billed twice?"} {
		if err := b.receive(ctx, handover.Text(fmt.Sprint("bot-", i), text)); err != nil {
			return err
		}
	}
	b.story.chapter("The customer waits and goes on writing. Ann declines, Ben answers.")
	if err := b.receive(ctx, handover.Text("wait", "It is about invoice 4711.")); err != nil {
		return err
	}
	first, err := answered(ctx, org, b, ann, ben)
	if err != nil {
		return err
	}
	if err := first.reads(ctx, org, "It is about invoice 4711."); err != nil {
		return err
	}
	if err := talk(ctx, org, b, first); err != nil {
		return err
	}
	b.story.chapter("Ben transfers to Billing while the customer is writing. Cleo answers.")
	second, err := transferred(ctx, org, b, first, cleo)
	if err != nil {
		return err
	}
	if err := second.reads(ctx, org, "And please be quick."); err != nil {
		return err
	}
	return ending(ctx, org, b, second)
}

// chat is the conversation as an agent sees it.
type chat struct{ *genesystest.Desk }

// reads waits until the agent has read text.
func (c chat) reads(ctx context.Context, org *genesystest.Org, text string) error {
	return org.Await(ctx, func() bool { return slices.Contains(c.Texts(), text) })
}

// answered returns the chat after Ann declines and Ben accepts. It waits for each step, so that
// the customer sees every change.
func answered(ctx context.Context, org *genesystest.Org, b *bot, ann, ben *genesystest.Agent) (chat, error) {
	offer, err := ann.Next(ctx)
	if err != nil {
		return chat{}, err
	}
	if err := b.reaches(ctx, org, handover.StateAlerting, ann.Name()); err != nil {
		return chat{}, err
	}
	offer.Decline()
	return accepted(ctx, org, b, ben)
}

func accepted(ctx context.Context, org *genesystest.Org, b *bot, a *genesystest.Agent) (chat, error) {
	offer, err := a.Next(ctx)
	if err != nil {
		return chat{}, err
	}
	if err := b.reaches(ctx, org, handover.StateAlerting, a.Name()); err != nil {
		return chat{}, err
	}
	c := chat{offer.Accept()}
	return c, b.reaches(ctx, org, handover.StateConnected, a.Name())
}

// reaches waits until the session is in state with the agent.
func (b *bot) reaches(ctx context.Context, org *genesystest.Org, state handover.State, agent string) error {
	return org.Await(ctx, func() bool {
		s, err := b.desk.Session(ctx, handover.Customer(ada))
		return err == nil && s.State == state && s.Agent.Name == agent
	})
}

// talk sends text and a file in both directions.
func talk(ctx context.Context, org *genesystest.Org, b *bot, c chat) error {
	c.Say("Hello Ada, I am Ben. Can you send me the bill?")
	bill := handover.Message{ID: "bill", Text: "Here it is.", Attachments: []openmessaging.Attachment{{
		URL: "https://files.example.com/bill.png", MIME: "image/png", Filename: "bill.png",
	}}}
	if err := b.receive(ctx, bill); err != nil {
		return err
	}
	if err := org.Await(ctx, func() bool { return len(c.Attachments()) == 1 }); err != nil {
		return err
	}
	id := c.Attach("application/pdf", "credit-note.pdf", []byte("%PDF-1.7"))
	return org.Await(ctx, func() bool { return c.Status(id) == "Delivered" })
}

func transferred(ctx context.Context, org *genesystest.Org, b *bot, c chat, next *genesystest.Agent) (chat, error) {
	c.TransferTo("Billing")
	if err := b.receive(ctx, handover.Text("quick", "And please be quick.")); err != nil {
		return chat{}, err
	}
	return accepted(ctx, org, b, next)
}

// ending ends the conversation by the agent while the customer writes. The bot must answer that
// message.
func ending(ctx context.Context, org *genesystest.Org, b *bot, c chat) error {
	id := c.Say("This is Cleo of Billing. The second charge is refunded.")
	if err := org.Await(ctx, func() bool { return c.Status(id) == "Delivered" }); err != nil {
		return err
	}
	b.story.chapter("Cleo ends, and the customer asks once more at that moment: the bot answers.")
	spoken := b.spoken()
	c.End()
	if err := b.receive(ctx, handover.Text("sunday", "Are you open on Sundays?")); err != nil {
		return err
	}
	if err := org.Await(ctx, func() bool { return b.spoken() > spoken }); err != nil {
		return fmt.Errorf("the bot did not come back: %w", err)
	}
	if err := b.receive(ctx, handover.Text("thanks", "Thank you!")); err != nil {
		return err
	}
	told, err := b.desk.Explain(ctx, handover.Customer(ada))
	if err != nil {
		return err
	}
	b.story.chapter("What Explain tells somebody who asks what happened:\n\n" + told)
	b.story.chapter(fmt.Sprintf("Done. The API saw %d calls; every message was delivered.", b.story.sum()))
	return nil
}
