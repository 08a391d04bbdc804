package record

import (
	"fmt"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A story builds the text of Explain line by line. now is the time it describes.
type story struct {
	strings.Builder

	now time.Time
}

func (s *story) line(format string, a ...any) { _, _ = fmt.Fprintf(s, format+"\n", a...) }

// heading begins a section. A section without lines has no heading.
func (s *story) heading(text string) { s.line("\n%s", text) }

// clock formats a time in UTC, with the date only if it is not the date of now.
func (s *story) clock(t time.Time) string {
	t = t.UTC()
	if t.Format(time.DateOnly) == s.now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// Explain returns the text of Explain for a record.
func (f *Record) Explain(channel string, now time.Time) string {
	s := &story{now: now.UTC()}
	at := s.now.Format(time.DateTime)
	if f.Handover == nil {
		s.line("no session yet, channel %s, as of %s UTC", OneLine(channel, maxWhy), at)
	} else {
		s.line("session %s, channel %s, as of %s UTC", f.Handover.ID, OneLine(channel, maxWhy), at)
		s.head(f)
	}
	s.happened(f)
	s.waits(f)
	s.next(f)
	if len(f.Past) > 0 {
		s.heading("earlier sessions, the newest first")
	}
	for _, p := range f.Past {
		s.line("  %s  %s to %s, %s", p.Session.ID, s.clock(p.Session.Started), s.clock(p.Session.Ending.Time), p.Session.Ending.Words())
	}
	return s.String()
}

func (s *story) head(f *Record) {
	c := f.Handover
	field := func(name, value string) {
		if value = OneLine(value, 4*maxWhy); value != "" {
			s.line("  %-13s %s", name, value)
		}
	}
	field("state", fmt.Sprintf("%s since %s", c.State, s.clock(c.ChangedAt)))
	field("started", s.clock(c.Started))
	conversation := c.ConversationID
	switch {
	case conversation == "" && !c.OpeningAcceptedAt.IsZero():
		conversation = "not named by Genesys yet"
	case conversation == "":
		conversation = "none yet"
	case c.Resumed:
		conversation += ", an older one that went on"
	}
	field("conversation", conversation)
	field("queue", c.Queue)
	field("agent", c.Agent.Full())
	field("turn", string(f.Turn(s.now)))
	if c.Blind {
		field("blind", "the conversation may not be read")
	}
	if c.Ending == (machine.Ending{}) {
		return
	}
	field("ending", c.Ending.Words()+", "+s.clock(c.Ending.Time))
	field("code", c.Ending.Code)
	field("detail", c.Ending.Detail)
}
