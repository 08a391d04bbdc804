package main

import (
	"context"
	"fmt"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
	"github.com/genesyshandover/genesyshandover/handover"
)

// notify is called with every change of a session. A web page would show some of them to the
// customer.
func (b *bot) notify(ctx context.Context, n handover.Notice) error {
	b.story.state(n.Session.State, b.sentence(ctx, n))
	return nil
}

func (b *bot) sentence(ctx context.Context, n handover.Notice) string {
	who := n.Agent.Name
	if who == "" {
		who = "an agent"
	}
	switch n.Kind {
	case handover.NoticeRequested:
		return "an agent was asked for"
	case handover.NoticeQueued:
		text := "waits in the queue " + b.queue(ctx, n.To)
		if n.Wait != nil {
			text += fmt.Sprintf(", for about %v", n.Wait.Round(time.Second))
		}
		return text
	case handover.NoticeAlerting:
		return "it rings at " + who
	case handover.NoticeDeclined:
		return who + " declined"
	case handover.NoticeAgentJoined:
		return who + " joined"
	case handover.NoticeAgentLeft:
		return who + " left"
	case handover.NoticeTransferred:
		return who + " transferred it: " + b.queue(ctx, n.From) + " → " + b.queue(ctx, n.To)
	case handover.NoticeEnded:
		return "ended by " + ender(n) + detail(n.Session.Ending)
	case handover.NoticeReturned:
		return "given back to the bot"
	default: // a later version may add kinds
		return string(n.Kind) + ": " + n.Detail
	}
}

// ender returns the reason of the end, with the agent's name if an agent ended it.
func ender(n handover.Notice) string {
	reason := string(n.Session.Ending.Reason)
	if n.Session.Ending.Reason == handover.EndByAgent && n.Agent.Name != "" {
		reason += " " + n.Agent.Name
	}
	return reason
}

func detail(e handover.Ending) string {
	if e.Detail == "" {
		return ""
	}
	return ": " + e.Detail
}

// queue returns the name of a queue, because notices have only its id.
func (b *bot) queue(ctx context.Context, id string) string {
	client, err := b.desk.Client(ctx, "")
	if err != nil {
		return id
	}
	q, err := client.Routing.Queue(ctx, id)
	if err != nil {
		return id
	}
	return q.Name
}

// listen receives changes in queues over a WebSocket until ctx ends. Without it the Manager
// sees the same changes later, by polling.
func (b *bot) listen(ctx context.Context, queues ...string) error {
	client, err := b.desk.Client(ctx, "")
	if err != nil {
		return err
	}
	var topics []notifications.Topic
	for _, name := range queues {
		q, err := client.Routing.QueueNamed(ctx, name, "")
		if err != nil {
			return err
		}
		topics = append(topics, notifications.QueueMessages(q.ID))
	}
	l, err := notifications.New(client, topics,
		notifications.WithOwner(b.desk.SocketOwner("")), notifications.WithObserver(b.story.observe))
	if err != nil {
		return err
	}
	return l.Run(ctx, b.desk.Recheck)
}
