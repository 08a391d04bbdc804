package main

import (
	"context"
	"strings"
	"sync"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// bot is the program that embeds the SDK: a few answers, and a person when it has none.
type bot struct {
	desk  *handover.Manager
	story *story

	mu      sync.Mutex
	history []handover.Line
	said    int
}

// ada is the one customer of this program, by its own id.
const ada = "ada"

// hear takes everything the customer writes.
func (b *bot) hear(ctx context.Context, m handover.Message) error {
	key := handover.Customer(ada)
	turn, err := b.desk.Forward(ctx, key, m)
	if err != nil {
		return err
	}
	if turn == handover.TurnAgent {
		b.story.says("customer", "agents", contentOf(m.Text, len(m.Attachments)))
		return nil
	}
	b.story.says("customer", "bot", m.Text)
	return b.answer(ctx, key, m)
}

// answer replies, or asks for an agent.
func (b *bot) answer(ctx context.Context, key handover.Key, m handover.Message) error {
	b.log(handover.SpeakerCustomer, m.Text)
	reply, known := lookUp(m.Text)
	if turn, err := b.desk.Turn(ctx, key); err != nil || turn == handover.TurnAgent {
		return err // an agent came while the bot was thinking
	}
	b.log(handover.SpeakerBot, reply)
	b.story.says("bot", "customer", reply)
	if known {
		return nil
	}
	session, err := b.desk.HandOver(ctx, key, handover.Request{
		ID:         "handover-" + m.ID,
		Customer:   openmessaging.Customer{Nickname: "Ada"},
		Summary:    "The bot could not answer a question about a bill.",
		Transcript: b.lines(),
		Attributes: map[string]string{"topic": "billing"},
	})
	if err != nil {
		return err
	}
	b.story.state(session.State, "the bot asked for an agent")
	return nil
}

// deliver is called with every message of an agent.
func (b *bot) deliver(_ context.Context, d handover.Delivery) error {
	files := 0
	for _, c := range d.Message.Content {
		if _, ok := c.(openmessaging.Attachment); ok {
			files++
		}
	}
	b.story.says("agent", "customer", contentOf(d.Message.Text, files))
	return nil
}

// resume is called when the conversation is the bot's again: it answers what no agent answered.
func (b *bot) resume(ctx context.Context, r handover.Return) error {
	b.story.state(r.Session.State, "back with the bot, ended by "+string(r.Session.Ending.Reason))
	for _, u := range r.Unanswered {
		b.story.says("customer", "bot", u.Text+"   (was left unanswered)")
		if err := b.answer(ctx, r.Session.Key, u.Message); err != nil {
			return err
		}
	}
	return nil
}

func (b *bot) log(s handover.Speaker, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history = append(b.history, handover.Line{Speaker: s, Text: text})
	if s == handover.SpeakerBot {
		b.said++
	}
}

func (b *bot) lines() []handover.Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]handover.Line(nil), b.history...)
}

// spoken is how often the bot has said something.
func (b *bot) spoken() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said
}

func lookUp(question string) (reply string, known bool) {
	switch q := strings.ToLower(question); {
	case strings.Contains(q, "hello"):
		return "Hello! Ask me about our opening hours.", true
	case strings.Contains(q, "open"):
		return "We are open from 9 to 17, also on Saturdays.", true
	case strings.Contains(q, "thank"):
		return "You are welcome.", true
	default:
		return "I do not know. Let me get somebody who does.", false
	}
}

func contentOf(text string, files int) string {
	return strings.TrimSpace(text + strings.Repeat(" [file]", files))
}
