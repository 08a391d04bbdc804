package record

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A story builds the text of Explain line by line. now is the time it describes.
type story struct {
	strings.Builder

	now machine.Time
}

func (s *story) line(format string, a ...any) { _, _ = fmt.Fprintf(s, format+"\n", a...) }

// section writes lines under a heading, if there are any.
func (s *story) section(heading string, lines []string) {
	if len(lines) > 0 {
		s.line("\n%s\n  %s", heading, strings.Join(lines, "\n  "))
	}
}

// clock formats a time in UTC, with the date only if it is not the date of now.
func (s *story) clock(t machine.Time) string {
	if t.Format(time.DateOnly) == s.now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// Explain returns the text of Explain for a record.
func (f *Record) Explain(channel string, now machine.Time) string {
	s := &story{now: now}
	at := s.now.Format(time.DateTime)
	if f.Handover == nil {
		s.line("no session yet, channel %s, as of %s UTC", OneLine(channel, maxWhy), at)
	} else {
		s.line("session %s, channel %s, as of %s UTC", f.Handover.ID, OneLine(channel, maxWhy), at)
		s.head(f)
	}
	s.section("what happened", f.happened())
	s.section("what waits", s.waits(f))
	s.section("what comes next", s.next(f))
	var past []string
	for _, p := range f.Past {
		past = append(past, fmt.Sprintf("%s  %s to %s, %s", p.Session.ID, s.clock(p.Session.Started), s.clock(p.Session.Ending.Time), p.Session.Ending.Words()))
	}
	s.section("earlier sessions, the newest first", past)
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

// happened returns the log of the record as sentences.
func (f *Record) happened() (list []string) {
	date := ""
	for _, l := range f.Log {
		at := l.At
		if d := at.Format(time.DateOnly); d != date {
			list = append(list, d)
			date = d
		}
		list = append(list, at.Format(time.TimeOnly)+"  "+l.sentence())
	}
	return list
}

// sentence returns a log line as a sentence.
func (l logLine) sentence() string {
	what, why := OneLine(l.What, maxWhy), OneLine(l.Why, maxWhy)
	if why == "" {
		return what
	}
	return what + ": " + why
}

// entered describes how a session entered its state. Without an event, the session began in it.
func entered(c *machine.Handover, on machine.EventKind) string {
	ending := c.Ending.Words()
	if c.Ending.Code != "" {
		ending += " (" + c.Ending.Code + ")"
	}
	switch c.State {
	case machine.StateBot:
		return "the bot continues to answer"
	case machine.StateRequested:
		return "an agent was asked for"
	case machine.StateQueued:
		if on == machine.EvTransferred {
			return "transferred to the agent queue " + c.LastQueueID
		}
		return "a read shows it in a queue of agents " + c.LastQueueID
	case machine.StateAlerting:
		return "it rings at " + nameOf(c.Agent)
	case machine.StateConnected:
		switch on {
		case "":
			return "an agent wrote although there was none"
		case machine.EvAgentWrote:
			return "an agent wrote, so one is there"
		default:
			return nameOf(c.Agent) + " is there"
		}
	case machine.StateEnding:
		return "the end was asked for: " + ending
	default:
		return ending
	}
}

func nameOf(a machine.Agent) string { return cmp.Or(a.Words(), "an agent") }

// Words returns a name of the entry kind for Explain.
func (k EntryKind) Words() string {
	return cmp.Or(map[EntryKind]string{
		KindOpen:     "the opening",
		KindContext:  "the context for the agent",
		KindMessage:  "a message of the customer",
		KindReply:    "a message of the customer",
		kindLeft:     "the word to the agent that the customer left",
		KindDelivery: "a message of the agent",
		KindNotice:   "a notice",
		KindReturn:   "the hand-back",
	}[k], string(k))
}

// waits returns the accepted entries that are not settled.
func (s *story) waits(f *Record) []string {
	list := slices.Concat(s.lane(&f.Out, f.EntriesOut(), "Genesys"), s.lane(&f.In, f.In.Entries, "the host"), s.failing(&f.In))
	switch c := f.Open(); {
	case c != nil && c.MovedTo != "":
		list = append(list, "nothing is sent to Genesys until a read shows how the conversation ended")
	case f.paused():
		list = append(list, "messages to Genesys wait until the bot has accepted or refused earlier ones")
	}
	count := func(n int, one, many string) {
		if n == 1 {
			list = append(list, "1 "+one)
		} else if n > 1 {
			list = append(list, fmt.Sprint(n, " ", many))
		}
	}
	words := map[wordState]int{}
	for i := range f.Words {
		if w := &f.Words[i]; w.Handover == "" || !w.pending() {
			words[w.State]++
		}
	}
	count(words[WordWaiting]+words[WordUnsure], "message of the customer for the hand-back", "messages of the customer for the hand-back")
	count(words[wordSent], "message that Genesys accepted and no agent has answered yet",
		"messages that Genesys accepted and no agent has answered yet")
	count(words[wordRefused], "message that Genesys refused, for the hand-back", "messages that Genesys refused, for the hand-back")
	count(len(f.Receipts), "receipt for Genesys", "receipts for Genesys")
	count(len(f.Awaited), "message whose outcome the host reports later", "messages whose outcome the host reports later")
	needed := len(slices.DeleteFunc(slices.Clone(f.Watched), func(w Watched) bool { return w.Close }))
	count(len(f.Watched)-needed, "conversation that no session needs, to be disconnected", "conversations that no session needs, to be disconnected")
	count(needed, "other conversation of the customer, which is read until it is over",
		"other conversations of the customer, which are read until they are over")
	if !f.Forget.IsZero() {
		list = append(list, "the removal of all that is stored, asked for "+s.clock(f.Forget))
	}
	return list
}

// lane describes the waiting entries of a lane, by kind, and the attempts of its head.
func (s *story) lane(l *lane, entries []Entry, to string) []string {
	if len(entries) == 0 {
		return nil
	}
	counts := map[string]int{}
	for _, x := range entries {
		counts[x.Kind.Words()]++
	}
	var kinds []string
	for _, k := range []EntryKind{KindOpen, KindContext, KindMessage, kindLeft, KindDelivery, KindNotice, KindReturn} {
		if n := counts[k.Words()]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d × %s", n, k.Words()))
		}
	}
	head := entries[0]
	text := fmt.Sprintf("to %s: %s, since %s", to, strings.Join(kinds, ", "), s.clock(head.At))
	if head.Attempts > 0 {
		text += fmt.Sprintf("; failed attempts of the first: %d", head.Attempts)
	}
	switch {
	case l.Lease.Owner != "" && l.Lease.Seq == head.Seq && !l.Lease.Free(s.now):
		text += fmt.Sprintf("; it is being tried, until %s at the latest", s.clock(l.Lease.Until))
	case head.Unsure:
		text += "; it may have arrived"
	}
	return []string{text}
}

// failingTime is how long a Return or a notice fails before the story reports it.
const failingTime = 10 * time.Minute

// failing lists entries that the host has refused for long, also behind the head of their lane.
func (s *story) failing(l *lane) []string {
	var list []string
	for _, k := range []EntryKind{KindReturn, KindNotice} {
		fails := slices.DeleteFunc(slices.Clone(l.Entries), func(x Entry) bool {
			return x.Kind != k || x.First.IsZero() || s.now.Sub(x.First) < failingTime
		})
		if len(fails) > 0 {
			oldest := slices.MinFunc(fails, func(a, b Entry) int { return cmp.Compare(a.First, b.First) })
			list = append(list, fmt.Sprintf("%d × %s fails since %s; attempts of the oldest: %d", len(fails), k.Words(), s.clock(oldest.First), oldest.Attempts))
		}
	}
	return list
}

// A step is an expected event.
type step struct {
	at   machine.Time
	text string
}

// next returns the steps that follow unless another event is first.
func (s *story) next(f *Record) (list []string) {
	var steps []step
	add := func(at machine.Time, text string) {
		if !at.IsZero() {
			steps = append(steps, step{at, text})
		}
	}
	if at, ok := f.headReady(); ok && !f.paused() {
		if h, _ := f.head(); f.Out.Lease.Seq != h.Seq || f.Out.Lease.Free(s.now) {
			add(f.Out.Lease.over(at), h.Kind.Words()+" is sent to Genesys")
		}
	}
	if at, ok := f.In.ready(); ok && !f.In.busy(s.now) {
		add(f.In.Lease.over(at), f.In.Entries[0].Kind.Words()+" is given to the host")
	}
	c := f.Open()
	expiry, timer := machine.TimerNone, machine.Time(0)
	if c != nil {
		expiry, timer = c.Timer()
	}
	switch kind, at := f.NextTask(); {
	case kind == TaskNone:
	case kind == TaskLook && f.Conversation() == "": // a timer
	case kind == TaskLook && !at.Before(timer) && c.PollAt != at:
	default:
		add(f.Control.Lease.over(at), kind.words(c))
	}
	add(timer, expiry.Words())
	add(f.Expires(), "the record is removed, unless a message arrives")
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	for _, x := range steps {
		at := s.clock(x.at)
		if !x.at.After(s.now) {
			at = "now"
			if late := s.now.Sub(x.at); late > LookEvery && x.at.Std().Unix() > 0 {
				at = fmt.Sprintf("now, %s late", late.Round(time.Second))
			}
		}
		list = append(list, at+"  "+x.text)
	}
	return list
}

func (k TaskKind) words(c *machine.Handover) string {
	switch {
	case k == TaskReceipt:
		return "the receipt of a message is sent to Genesys"
	case k == TaskWatch:
		return "another conversation of the customer is read, and disconnected if no session needs it"
	case c.ConversationID == "":
		return "the last conversation is read, to see whether the opening revived it"
	case c.Blind:
		return "the conversation is disconnected, if Genesys permits"
	case c.State == machine.StateEnding:
		return "the conversation is read, and disconnected if the customer is still in it"
	case c.State == machine.StateRequested && c.Routing == machine.RouteByTransfer:
		return "the conversation is read, and transferred if it is in the bot queue"
	case c.Poll:
		return "the conversation is read, because no signal has arrived"
	default:
		return "the conversation is read"
	}
}

const (
	saidLost         = "lost" // messages of agents. Why: how many, and the reason
	saidNoReceipt    = "Genesys got no receipt that a message of the agent failed"
	saidNoDisconnect = "the disconnect was refused"
)

// maxWhy limits a log line, and so the size of the record.
const maxWhy = 160

// logMove logs a transition: first what ended with it, then the new state.
func (tx *Transaction) logMove(before *machine.Handover, ev machine.Event, effects []machine.Effect) {
	c := tx.Handover
	again := false
	for _, f := range effects {
		switch f.Notice {
		case machine.NoticeDeclined:
			tx.AddLog(nameOf(f.Agent)+" did not take it", "")
		case machine.NoticeAgentLeft:
			tx.AddLog(nameOf(f.Agent)+" left", "")
		case machine.NoticeTransferred:
			tx.AddLog("transferred from queue "+f.From+" to "+f.To, "")
		case machine.NoticeMisrouted:
			tx.AddLog("misrouted", f.Detail)
		case machine.NoticeConnectionLost:
			if !c.Blind {
				tx.AddLog("signals no longer arrive, so the conversation is polled", "")
			}
		case machine.NoticeAgentJoined, machine.NoticeAlerting:
			again = true // of another agent, in the same state
		default:
		}
	}
	switch {
	case c.State != before.State || again:
		tx.AddLog(entered(c, ev.Kind), "")
	case c.Agent.ID != "" && before.Agent.ID == "":
		tx.AddLog("the agent is "+c.Agent.Words(), "")
	}
	if before.OpeningAcceptedAt.IsZero() && !c.OpeningAcceptedAt.IsZero() {
		tx.AddLog("Genesys accepted the opening", "")
	}
	if !before.Resumed && c.Resumed {
		tx.AddLog("an older conversation continues", "")
	}
	if before.MovedTo == "" && c.MovedTo != "" {
		tx.AddLog("a message of the customer opened another conversation", "")
	}
	if !before.Blind && c.Blind {
		tx.AddLog("the conversation may not be read", "")
	}
}

// AddLog adds a sentence to the log of the record: what happened, and why if that is known. It
// contains neither message text nor a customer id.
func (tx *Transaction) AddLog(what, why string) {
	tx.Log = last(append(tx.Log, logLine{At: tx.Now, What: OneLine(what, maxWhy), Why: OneLine(why, maxWhy)}), maxLog)
}

// logOnce adds a sentence to the log unless it is the last one, so that repeated failures do not
// push older ones out.
func (tx *Transaction) logOnce(what, why string) {
	l := logLine{What: OneLine(what, maxWhy), Why: OneLine(why, maxWhy)}
	if n := len(tx.Log); n > 0 && tx.Log[n-1].What == l.What && tx.Log[n-1].Why == l.Why {
		return
	}
	tx.AddLog(what, why)
}

// logRetry logs the first failure of an entry. The entry itself counts the failures.
func (tx *Transaction) logRetry(x *Entry, why string) {
	if x.Attempts == 1 {
		tx.logOnce("to be tried again, "+x.Kind.Words(), why)
	}
}

// OneLine returns s without control characters and line breaks, cut to about most bytes.
func OneLine(s string, most int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
	for i := range s {
		if i > most {
			return strings.TrimSpace(s[:i]) + "…"
		}
	}
	return s
}
