package handover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// waits is what is accepted and not settled.
func (s *story) waits(f *file) {
	list := slices.Concat(s.lane(&f.Out, "Genesys"), s.lane(&f.In, "the host"))
	if f.held() {
		list = append(list, "nothing goes to Genesys before a read tells how the conversation ended")
	}
	count := func(n int, one, many string) {
		switch {
		case n == 1:
			list = append(list, "1 "+one)
		case n > 1:
			list = append(list, fmt.Sprint(n, " ", many))
		}
	}
	count(len(f.Held), "message of the customer for the hand-back", "messages of the customer for the hand-back")
	count(len(f.Tail)+len(f.Cut), "message that Genesys took, and that no agent has answered for yet",
		"messages that Genesys took, and that no agent has answered for yet")
	count(len(f.Dead), "message that Genesys refused, for the hand-back", "messages that Genesys refused, for the hand-back")
	count(len(f.Receipts), "receipt for Genesys", "receipts for Genesys")
	count(len(f.Orphans), "conversation to be disconnected, where nobody should be", "conversations to be disconnected, where nobody should be")
	if f.Next != nil {
		list = append(list, "session "+f.Next.Core.ID+", which begins when this one has been handed back")
	}
	if f.open() == nil && f.Adopt != nil {
		list = append(list, "a read of a conversation in which a person wrote although no session is open")
	}
	if !f.Forget.IsZero() {
		list = append(list, "the removal of all that is stored, asked for "+s.clock(f.Forget))
	}
	if len(list) == 0 {
		return
	}
	s.heading("what waits")
	for _, text := range list {
		s.line("  %s", text)
	}
}

// lane tells what waits in a lane, by kind, and how it goes with the first of it.
func (s *story) lane(l *lane, to string) []string {
	if len(l.Entries) == 0 {
		return nil
	}
	var kinds []string
	for _, k := range []entryKind{kindOpen, kindMessage, kindLeft, kindDelivery, kindNotice, kindReturn} {
		n := 0
		for _, x := range l.Entries {
			if x.Kind == k || k == kindMessage && x.Kind == kindReply {
				n++
			}
		}
		if n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d × %s", n, k.words()))
		}
	}
	head := l.Entries[0]
	text := fmt.Sprintf("to %s: %s, since %s", to, strings.Join(kinds, ", "), s.clock(head.At))
	if head.Attempts > 0 {
		text += fmt.Sprintf("; failed attempts of the first: %d", head.Attempts)
	}
	switch {
	case l.busy(s.now):
		text += fmt.Sprintf("; it is being tried, until %s at the latest", s.clock(l.Lease.Until))
	case head.Maybe:
		text += "; it may have arrived"
	}
	return []string{text}
}

// A step is something that will happen.
type step struct {
	at   time.Time
	text string
}

// next is what comes, if nothing else happens before.
func (s *story) next(f *file) {
	var steps []step
	add := func(at time.Time, text string) {
		if !at.IsZero() {
			steps = append(steps, step{at, text})
		}
	}
	for _, l := range []struct {
		*lane

		text string
	}{{&f.Out, " is sent to Genesys"}, {&f.In, " is given to the host"}} {
		if at, ok := l.ready(); ok && !l.busy(s.now) && (l.lane == &f.In || !f.held()) {
			add(l.Lease.over(at), l.Entries[0].Kind.words()+l.text)
		}
	}
	c := f.open()
	switch kind, at := f.duty(); {
	case kind == dutyNone:
	case kind == dutyLook && f.conversation() == "": // a timer
	case kind == dutyLook && !at.Before(timerOf(c)) && !c.PollAt.Equal(at):
	default:
		add(f.Control.Lease.over(at), kind.words(c))
	}
	if c != nil {
		if kind, at := c.timer(); kind != timerNone {
			add(at, kind.words())
		}
	}
	add(f.expires(), "the record is removed, if nothing comes")
	if len(steps) == 0 {
		return
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	s.heading("what comes next")
	for _, x := range steps {
		at := s.clock(x.at)
		if !x.at.After(s.now) {
			at = "now"
			if late := s.now.Sub(x.at); late > lookEvery && x.at.Unix() > 0 {
				at = fmt.Sprintf("now, %s late", late.Round(time.Second))
			}
		}
		s.line("  %s  %s", at, x.text)
	}
}

func timerOf(c *core) time.Time {
	_, at := c.timer()
	return at
}

func (k dutyKind) words(c *core) string {
	switch k {
	case dutyReceipt:
		return "Genesys is told what became of a message"
	case dutyAdopt:
		return "the conversation is read, to see whether an agent has it"
	case dutyCleanup:
		return "a conversation that nobody should be in is disconnected"
	case dutyCheck:
		return "the conversation that has ended is read once more, to see whether words are missing"
	case dutyLook:
		switch {
		case c.ConversationID == "":
			return "the last conversation is read, to see whether the opening revived it"
		case c.Blind:
			return "the conversation is disconnected, if Genesys permits"
		case c.State == StateEnding:
			return "the conversation is read, and disconnected if the customer is still in it"
		case c.State == StateRequested && c.Routing == RouteByTransfer:
			return "the conversation is read, and transferred if it stands in the bot queue"
		case c.Poll:
			return "the conversation is read, since nobody has said anything of it"
		default:
			return "the conversation is read"
		}
	default:
		return string(k)
	}
}

func (k timerKind) words() string {
	switch k {
	case timerWarn:
		return "the host is told that the customer is silent (Timers.CustomerWarn)"
	case timerEnd:
		return "the session ends, whether Genesys confirms it or not"
	case timerWork:
		return "the session ends, whether the agent has done the after-call work or not"
	case timerLost:
		return "the session fails if nobody has named its conversation by then"
	case timerKind(EndNoAgent):
		return "the session ends if no agent has come (Timers.NoAgent)"
	case timerKind(EndCustomerIdle):
		return "the session ends if the customer has not written (Timers.CustomerIdle)"
	case timerKind(EndAgentIdle):
		return "the session ends if the agent has not answered (Timers.AgentIdle)"
	case timerKind(EndMaxDuration):
		return "the session ends, however it stands (Timers.Max)"
	default:
		return string(k)
	}
}
