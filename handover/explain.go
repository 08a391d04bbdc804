package handover

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Explain tells the story of a customer's session, or of the last one, in words for whoever looks into a case: what it is in,
// what happened and why, what waits and how often it was tried, and what comes next and when. Times are UTC, by the clocks of
// the replicas. It holds no content: no text, no id of the customer, no secret; but names of agents and queues. The words
// change between releases: read them, and let programs read [Manager.Session].
//
// Of what happened the record keeps 64 lines, and of earlier sessions three. Errors: ErrNotFound if nothing is stored of the
// customer, ErrNoChannel, and what the Store returned. Safe for concurrent use; it changes nothing.
func (m *Manager) Explain(ctx context.Context, k Key) (string, error) {
	k, err := m.key(k)
	if err != nil {
		return "", err
	}
	f, err := m.file(ctx, k)
	if err != nil {
		return "", err
	}
	return f.explain(k.Channel, m.now()), nil
}

// A story is written line by line, at one time.
type story struct {
	strings.Builder

	now time.Time
}

func (s *story) line(format string, a ...any) { _, _ = fmt.Fprintf(s, format+"\n", a...) }

// heading begins a part. Each part has lines, or is not there.
func (s *story) heading(text string) { s.line("\n%s", text) }

// clock writes a time; the date only if it is not today's.
func (s *story) clock(t time.Time) string {
	t = t.UTC()
	if t.Format(time.DateOnly) == s.now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// explain is the story of a record, as it is at a time.
func (f *file) explain(channel string, now time.Time) string {
	s := &story{now: now.UTC()}
	at := s.now.Format(time.DateTime)
	if f.Now == nil {
		s.line("no session yet, channel %s, as of %s UTC", oneLine(channel, maxWhy), at)
	} else {
		s.line("session %s, channel %s, as of %s UTC", f.Now.ID, oneLine(channel, maxWhy), at)
		s.head(f)
	}
	s.happened(f)
	s.waits(f)
	s.next(f)
	if len(f.Past) > 0 {
		s.heading("earlier sessions, the newest first")
	}
	for _, p := range f.Past {
		s.line("  %s  %s to %s, %s", p.Session.ID, s.clock(p.Session.Started), s.clock(p.Session.Ending.Time), p.Session.Ending.words())
	}
	return s.String()
}

func (s *story) head(f *file) {
	c := f.Now
	field := func(name, value string) {
		if value = oneLine(value, 4*maxWhy); value != "" {
			s.line("  %-13s %s", name, value)
		}
	}
	field("state", fmt.Sprintf("%s since %s", c.State, s.clock(c.Changed)))
	field("started", s.clock(c.Started))
	conversation := c.ConversationID
	switch {
	case conversation == "" && !c.Accepted.IsZero():
		conversation = "not named by Genesys yet"
	case conversation == "":
		conversation = "none yet"
	case c.Resumed:
		conversation += ", an older one that went on"
	}
	field("conversation", conversation)
	field("queue", c.Queue)
	field("agent", c.Agent.full())
	field("turn", string(f.turn(s.now)))
	if c.Blind {
		field("blind", "the conversation may not be read")
	}
	if c.Ending == (Ending{}) {
		return
	}
	field("ending", c.Ending.words()+", "+s.clock(c.Ending.Time))
	field("code", c.Ending.Code)
	field("detail", c.Ending.Detail)
}

// full is who an agent is, with the id.
func (a Agent) full() string {
	if a.Name == "" || a.ID == "" {
		return a.words()
	}
	return a.Name + " (" + a.ID + ")"
}

// words say why it ended.
func (e Ending) words() string {
	switch e.Reason {
	case EndByAgent:
		return "ended by the agent"
	case EndByCustomer:
		return "ended by the customer"
	case EndByBot:
		return "ended by the bot"
	case EndNoAgent:
		return "ended because no agent came in time"
	case EndCustomerIdle:
		return "ended because the customer was silent"
	case EndAgentIdle:
		return "ended because the agent did not answer"
	case EndMaxDuration:
		return "ended because it took too long"
	case EndByGenesys:
		return "ended by Genesys"
	case EndRefused:
		return "ended because it was refused"
	case EndFailed:
		return "ended because it failed"
	default:
		return "not ended"
	}
}
