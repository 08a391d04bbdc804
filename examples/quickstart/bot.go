package main

import (
	"context"
	"strings"
	"sync"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// bot is the program that uses the SDK: it has a few answers, and hands over all other
// questions.
type bot struct {
	desk  *handover.Manager
	story *story

	mu      sync.Mutex
	history []handover.Line
	said    int
}

// ada is the id of the only customer of this program.
const ada = "ada"

// receive processes every message of the customer.
func (b *bot) receive(ctx context.Context, m handover.Message) error {
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

// answer replies to the customer and hands over if it has no answer.
func (b *bot) answer(ctx context.Context, key handover.Key, m handover.Message) error {
	b.log(handover.Line{ID: m.ID, Speaker: handover.SpeakerCustomer, Text: m.Text})
	reply, known := lookUp(m.Text)
	turn, err := b.desk.Reply(ctx, key, m, func(context.Context) error {
		b.log(handover.Line{Speaker: handover.SpeakerBot, Text: reply})
		b.story.says("bot", "customer", reply)
		return nil
	})
	if err != nil || turn == handover.TurnAgent || known {
		// With TurnAgent an agent joined while the bot prepared its answer, and has the message
		// now.
		return err
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

// resume is called when the bot has the conversation again. It answers the messages that no
// agent answered.
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

func (b *bot) log(l handover.Line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history = append(b.history, l)
	if l.Speaker == handover.SpeakerBot {
		b.said++
	}
}

func (b *bot) lines() []handover.Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]handover.Line(nil), b.history...)
}

// spoken returns how many messages the bot has written.
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
