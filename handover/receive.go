package handover

import (
	"context"
	"log/slog"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/webhook"
)

const (
	replayAge = 15 * time.Minute       // Genesys gives a webhook up after 85 s
	flowHold  = 250 * time.Millisecond // flows post in bursts and out of order
)

// Receive takes what Genesys posts: a webhook.HandlerFunc. Nil means that it is stored, or that it says nothing that must
// be; an error means that Genesys should post it again. Repeats are known by their id.
func (m *Manager) Receive(ctx context.Context, n webhook.Notification) error {
	began := m.now()
	kind, err := m.receive(context.WithoutCancel(ctx), n)
	m.observe(ctx, "receive."+kind, began, err)
	return err
}

func (m *Manager) receive(ctx context.Context, n webhook.Notification) (kind string, err error) {
	o := &n.Outbound
	if o.CustomerID == "" {
		m.log.Warn("webhook without a customer", slog.String("channel", n.Channel))
		return "nobody", nil
	}
	switch body := o.Body.(type) {
	case openmessaging.Message:
		return "message", m.receiveMessage(ctx, n.Channel, o, body)
	case openmessaging.Typing:
		m.receiveTyping(ctx, n.Channel, o, body)
		return "typing", nil
	case openmessaging.Receipt:
		return "receipt", m.receiveReceipt(ctx, n.Channel, o, body)
	case openmessaging.UnknownBody:
		m.log.Info("webhook of an unknown kind", slog.String("channel", n.Channel), slog.String("kind", body.Kind[:min(len(body.Kind), 32)]))
		return "unknown", nil
	default:
		return "unknown", nil
	}
}

func (m *Manager) receiveMessage(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Message) error {
	replayed := false
	err := m.acceptFor(ctx, channel, o, true, func(e *edit) error {
		if e.Heard.recall(o.ID) != unheard && o.ID != "" {
			return errUnchanged
		}
		if replayed = !o.Time.IsZero() && e.now.Sub(o.Time) > replayAge; replayed {
			return errUnchanged
		}
		e.Touched = e.now
		if o.ID != "" {
			e.Heard.remember(o.ID, heard, e.now)
		}
		e.hear(o, body, e.arrives(o))
		return nil
	})
	if replayed {
		m.observe(ctx, "replay", m.now(), nil)
		m.log.Warn("webhook is a replay: older than 15 minutes and unknown", slog.String("channel", channel))
	}
	return err
}

// hear takes a message for the customer into the lane to the host.
func (e *edit) hear(o *openmessaging.Outbound, body openmessaging.Message, notBefore time.Time) {
	id := o.ID
	if id == "" {
		id = e.entryID("", e.next())
	}
	d := delivery{ID: id, Message: body, Origin: o.Origin, Time: o.Time, From: o.CustomerID}
	if !e.makeRoom(len(body.Text)) {
		e.receipt(receipt{ID: id, Status: openmessaging.StatusFailed, Code: openmessaging.ReasonRateLimited, To: o.CustomerID})
		e.overflow()
		return
	}
	current := e.current(o)
	human := o.Origin != openmessaging.OriginBot
	if current && e.open() != nil && e.Now.ConversationID == "" && o.ConversationID != "" {
		e.apply(event{Kind: evNamed, Conversation: o.ConversationID})
	}
	switch {
	case current && human && e.open() != nil:
		e.apply(event{Kind: evAgentSpoke, Began: o.Time})
		if e.Now.MovedTo == "" { // what went to another conversation he has not seen
			e.answered(spoken(o.Time, e.now), false)
		}
	case human && e.open() == nil && e.Adopt == nil && o.ConversationID != "":
		e.Adopt = &adoption{Conversation: o.ConversationID, From: o.CustomerID, At: e.now.Add(adoptPause), Since: o.Time}
		if o.Time.IsZero() {
			e.Adopt.Since = e.now // not for ever
		}
	}
	d.Session, d.Late = e.belongs(o, current)
	e.deliver(d, notBefore)
}

// arrives notes that webhooks come, and says until when this one waits: flows post out of order, and behind a gap is what was missed.
func (e *edit) arrives(o *openmessaging.Outbound) time.Time {
	until := time.Time{}
	if o.Origin == openmessaging.OriginBot {
		until = e.now.Add(flowHold)
	}
	e.reaches(o.ConversationID)
	c := e.open()
	if c != nil && c.ConversationID == "" && c.From == o.CustomerID { // it may turn out to be the one that the opening revived
		c.Reached = true
	}
	if c != nil && e.current(o) {
		c.Reached = true
		if !c.Gap.IsZero() {
			until = e.now.Add(gapHold)
			c.PollAt, c.Poll = later(e.now, c.ReadAt.Add(readPause)), false
		}
	}
	return until
}

// spoken is when an agent wrote: what the customer sent later is not answered by it. Genesys' clock says when, ours says what
// was sent before, and they differ.
func spoken(at, now time.Time) time.Time {
	if at.IsZero() || at.After(now) {
		at = now
	}
	return at.Add(-clockSlack)
}

// current reports whether a message is of the conversation of the open session, or of the one that just ended and has not
// been handed back. A person's message before the opening's answer is, unless its conversation is an older one's.
func (e *edit) current(o *openmessaging.Outbound) bool {
	c := e.Now
	switch {
	case c == nil:
		return false
	case c.State == StateEnded && !e.returnWaits(c.ID):
		return false
	case !o.Time.IsZero() && o.Time.Before(c.heardFrom()):
		return false // of an earlier handover in the same conversation
	case c.ConversationID == "" && c.Tried.IsZero():
		return false // Genesys has not heard of it
	case o.ConversationID == "":
		return c.From == o.CustomerID
	case c.ConversationID == "":
		return c.From == o.CustomerID && c.Open() && !e.wasIn(o.ConversationID)
	default:
		return o.ConversationID == c.ConversationID
	}
}

// heardFrom is since when what an agent writes may be of this handover, by Genesys' clock. In a conversation that an earlier one
// used, the last word of its agent may have been written a moment before the opening. Who went on with it by himself (it is
// adopted) is in it from his first word on.
func (c *core) heardFrom() time.Time {
	if c.Resumed && c.Request != "" {
		return c.Tried
	}
	return c.Tried.Add(-settlePeriod)
}

// returnWaits reports whether the Return of a handover has not been attempted, nor another one of it before.
func (f *file) returnWaits(handover string) bool {
	if f.Now != nil && f.Now.ID == handover && f.Now.Returned {
		return false
	}
	return f.returnOf(handover) >= 0
}

// belongs finds the handover a message is of, and whether it comes too late for it.
func (e *edit) belongs(o *openmessaging.Outbound, current bool) (Session, bool) {
	if current {
		return e.Now.Session, false
	}
	if e.Now != nil && o.ConversationID != "" && o.ConversationID == e.Now.ConversationID {
		return e.Now.Session, true
	}
	_, handover, _ := splitFrom(o.CustomerID)
	for _, p := range e.Past {
		if o.ConversationID != "" && p.Session.ConversationID == o.ConversationID || p.Session.ID == handover {
			return p.Session, true
		}
	}
	return Session{Key: e.key, ConversationID: o.ConversationID}, true
}

// overflow tells the host once that messages are refused, until there is room again.
func (e *edit) overflow() {
	const detail = "too many messages wait for the host: the agent is told that they failed"
	for _, x := range e.In.Entries {
		if x.Notice != nil && x.Notice.Detail == detail {
			return
		}
	}
	e.say(saidOverflow, "")
	e.notice(Notice{Kind: NoticeMessageFailed, Detail: detail})
}

func (m *Manager) receiveTyping(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Typing) {
	if m.config.Typing == nil {
		return
	}
	for _, k := range m.keysOf(ctx, channel, o) {
		f, err := m.file(ctx, k)
		if err != nil {
			continue // typing is a courtesy
		}
		if e := (&edit{file: f, key: k, now: m.now()}); f.open() != nil && e.current(o) {
			m.config.Typing(ctx, k, body.Duration)
		}
		return
	}
}

// receiveReceipt: Genesys says what became of a message of ours. Only a failure matters.
func (m *Manager) receiveReceipt(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Receipt) error {
	if body.Status != openmessaging.StatusFailed {
		return nil
	}
	return m.acceptFor(ctx, channel, o, false, func(e *edit) error {
		key := "receipt " + body.MessageID // a receipt has the id of the message it speaks of
		if e.Heard.recall(key) != unheard {
			return errUnchanged
		}
		e.Heard.remember(key, heard, e.now)
		e.say(saidFailed, "")
		e.notice(Notice{
			Kind: NoticeMessageFailed, MessageID: e.hostID(body.MessageID), Detail: "Genesys could not give a message to the agent",
		})
		return nil
	})
}

func (f *file) hostID(platform string) string {
	for _, s := range f.Sent {
		if s.Platform == platform {
			return s.Host
		}
	}
	return ""
}
