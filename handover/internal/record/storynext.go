package record

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// waits writes the accepted entries that are not settled.
func (s *story) waits(f *Record) {
	list := slices.Concat(s.lane(&f.Out, f.EntriesOut(), "Genesys"), s.lane(&f.In, f.In.Entries, "the host"), s.failing(&f.In))
	switch c := f.Open(); {
	case c != nil && c.MovedTo != "":
		list = append(list, "nothing is sent to Genesys until a read shows how the conversation ended")
	case f.paused():
		list = append(list, "messages to Genesys wait until the bot has accepted or refused earlier ones")
	}
	count := func(n int, one, many string) {
		switch {
		case n == 1:
			list = append(list, "1 "+one)
		case n > 1:
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
	toClose := 0
	for _, w := range f.Watched {
		if w.Close {
			toClose++
		}
	}
	count(toClose, "conversation that no session needs, to be disconnected", "conversations that no session needs, to be disconnected")
	count(len(f.Watched)-toClose, "other conversation of the customer, which is read until it is over",
		"other conversations of the customer, which are read until they are over")
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

// lane describes the waiting entries of a lane, by kind, and the attempts of its head.
func (s *story) lane(l *lane, entries []Entry, to string) []string {
	if len(entries) == 0 {
		return nil
	}
	var kinds []string
	for _, k := range []EntryKind{KindOpen, KindContext, KindMessage, kindLeft, KindDelivery, KindNotice, KindReturn} {
		n := 0
		for _, x := range entries {
			if x.Kind == k || k == KindMessage && x.Kind == KindReply {
				n++
			}
		}
		if n > 0 {
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
		var oldest *Entry
		n := 0
		for i := range l.Entries {
			x := &l.Entries[i]
			if x.Kind != k || x.First.IsZero() || s.now.Sub(x.First) < failingTime {
				continue
			}
			if n++; oldest == nil || x.First.Before(oldest.First) {
				oldest = x
			}
		}
		if oldest != nil {
			list = append(list, fmt.Sprintf("%d × %s fails since %s; attempts of the oldest: %d", n, k.Words(), s.clock(oldest.First), oldest.Attempts))
		}
	}
	return list
}

// A step is an expected event.
type step struct {
	at   time.Time
	text string
}

// next writes the steps that follow unless another event is first.
func (s *story) next(f *Record) {
	var steps []step
	add := func(at time.Time, text string) {
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
	switch kind, at := f.NextTask(); {
	case kind == TaskNone:
	case kind == TaskLook && f.Conversation() == "": // a timer
	case kind == TaskLook && !at.Before(timerOf(c)) && !c.PollAt.Equal(at):
	default:
		add(f.Control.Lease.over(at), kind.words(c))
	}
	if c != nil {
		if kind, at := c.Timer(); kind != machine.TimerNone {
			add(at, kind.Words())
		}
	}
	add(f.Expires(), "the record is removed, unless a message arrives")
	if len(steps) == 0 {
		return
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	s.heading("what comes next")
	for _, x := range steps {
		at := s.clock(x.at)
		if !x.at.After(s.now) {
			at = "now"
			if late := s.now.Sub(x.at); late > LookEvery && x.at.Unix() > 0 {
				at = fmt.Sprintf("now, %s late", late.Round(time.Second))
			}
		}
		s.line("  %s  %s", at, x.text)
	}
}

func timerOf(c *machine.Handover) time.Time {
	_, at := c.Timer()
	return at
}

func (k TaskKind) words(c *machine.Handover) string {
	switch k {
	case TaskReceipt:
		return "the receipt of a message is sent to Genesys"
	case TaskWatch:
		return "another conversation of the customer is read, and disconnected if no session needs it"
	case TaskLook:
		switch {
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
	default:
		return string(k)
	}
}
