package record

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Reading is one confirming read.
type Reading struct {
	Began    machine.Time
	Clock    machine.Clock
	Standing genesys.Standing
	History  machine.History
	Legs     machine.Legs
	Queue    string               // name of the queue it waits in, where that is reported
	Messages []genesys.MessageRef // to the customer
	Blind    bool
	Gone     bool
	Err      error
	// After the claim of the effect that made this read, another one was requested, or the state
	// changed.
	Requested, Outdated bool
}

// Event returns the read as an event of the state machine.
func (r *Reading) Event() machine.Event {
	e := machine.Event{Kind: machine.EvRead, Clock: r.Clock, Began: r.Began, Requested: r.Requested, Outdated: r.Outdated}
	switch {
	case r.Blind:
		e.Kind, e.Permission = machine.EvBlind, missing(r.Err)
	case r.Gone:
		e.Kind = machine.EvGone
	default:
		e.Standing, e.History, e.Legs, e.QueueName = r.Standing, r.History, r.Legs, r.Queue
	}
	return e
}

// Show notes what a conversation shows that was read. It ignores participants that ended before a
// time, and legs with known marks. If that time is by a host's clock, the bot queue is the first
// one of the present customer: whether the conversation was in a queue before is not known.
func (r *Reading) Show(c *genesys.Conversation, since machine.Since, known string) {
	marks := strings.Fields(known)
	if since.ByHost {
		since.At = r.Clock.Genesys(since.At)
	}
	r.Standing = c.Standing(since.At.Std(), marks...)
	present := Without(c, marks)
	if r.History = machine.HistoryOf(present, since.At); since.ByHost {
		r.History.Entry = machine.EntryQueue(c, c, 0)
	} else {
		r.History.Entry = machine.EntryQueue(present, c, since.At)
	}
	r.Legs, r.Messages = LegsOf(c), MessagesOf(c)
}

// EventOf returns the event of a reading of the session's conversation.
func (f *Record) EventOf(r *Reading) machine.Event {
	e := r.Event()
	e.Reopens = f.reopens()
	return e
}

// genesysBegan returns when the read began, by Genesys' clock.
func (r *Reading) genesysBegan() machine.Time { return r.Clock.Genesys(r.Began) }

// Live reports whether the customer is in the conversation.
func (r *Reading) Live() bool {
	switch r.Standing.Phase {
	case genesys.PhaseUnknown:
		return !r.Standing.AloneSince.IsZero()
	case genesys.PhaseWrapup, genesys.PhaseEnded:
		return false
	default:
		return true
	}
}

// alone reports whether only the customer is in the conversation.
func (r *Reading) alone() bool {
	return r.Err == nil && (r.Standing.Phase == genesys.PhaseNotRouted || !r.Standing.AloneSince.IsZero())
}

// WithAgent reports whether an agent is in the conversation or is being alerted.
func (r *Reading) WithAgent() bool {
	switch r.Standing.Phase {
	case genesys.PhaseAlerting, genesys.PhaseConnected, genesys.PhaseParked:
		return true
	default:
		return false
	}
}

// maxLegs bounds the marks of ended legs that are stored.
const maxLegs = 16

// LegsOf returns the newest time of a leg and the marks of those that have ended, the newest last.
func LegsOf(c *genesys.Conversation) machine.Legs {
	l := machine.Legs{Ended: strings.Join(last(c.EndedLegs(), maxLegs), " ")}
	for _, p := range c.Participants {
		for _, at := range []time.Time{p.Start, p.Alerting, p.Connected, p.End} {
			l.Newest = machine.Later(l.Newest, machine.TimeOf(at))
		}
	}
	return l
}

// Without returns the conversation without the legs that have known marks.
func Without(c *genesys.Conversation, known []string) *genesys.Conversation {
	if len(known) == 0 {
		return c
	}
	w := *c
	w.Participants = slices.DeleteFunc(slices.Clone(c.Participants), func(p genesys.Participant) bool {
		marks := genesys.Conversation{Participants: []genesys.Participant{p}}.EndedLegs()
		return len(marks) > 0 && slices.Contains(known, marks[0])
	})
	return &w
}

// Genesys stops retrying a webhook after 85 s at most. So if the host is unavailable for longer,
// agents' messages are lost. A read lists the ids of the messages of a conversation. Messages
// without a webhook are fetched, or reported if fetching is not permitted.

const (
	// A listed message without a webhook for that long counts as undelivered.
	webhookSilence = 2 * time.Minute
	webhookLife    = 90 * time.Second // no webhook delivers a message later than that
	webhookSlow    = 10 * time.Second // a younger message may still arrive
	gapHold        = 3 * time.Second  // how long messages after a gap wait for the missing ones
	endHold        = 10 * time.Second // how long an end waits for missing messages
)

// A Gap is the set of messages that a read lists and no webhook has delivered.
type Gap struct {
	machine.Listing // the listing once all of missing is accounted for

	Missing []genesys.MessageRef // oldest first
	// Missing ones, and those that webhooks may still deliver, without a limit.
	unseen      []genesys.MessageRef
	undelivered int  // listed for 2 minutes, and no webhook delivered it or a later one
	young       bool // others may still be delivered by webhooks
	late        bool // and should have been delivered already
	more        bool // others are missing, too many for one call
}

// GapOf compares the messages that a read lists since a time with the received ones. If none of the
// received messages is listed, reads and webhooks use different ids (UNCERTAIN whether Genesys ever
// does), and nothing can be compared. With end, the end of a session does not wait for messages
// that can be recognized if a webhook delivers them later.
func (f *Record) GapOf(r *Reading, since machine.Time, l machine.Listing, end bool) Gap {
	listed := r.listed(since)
	for _, ref := range listed {
		l.Proven = l.Proven || f.ReceivedIDs.Recall(ref.ID) == ReceivedID
	}
	g := Gap{Listing: l}
	if l.Reached && !l.Proven {
		return g
	}
	patience := webhookLife
	switch {
	case l.Proven && end:
		patience = 0
	case l.Proven: // the second copy is recognized by its id, in either order
		patience = webhookSlow
	}
	began := r.genesysBegan()
	g.Checked = machine.Later(l.Checked, began.Add(-webhookLife))
	remembered := r.Clock.Genesys(f.ReceivedIDs.since(r.Began))
	for _, ref := range listed {
		at := machine.TimeOf(ref.Time)
		v, ours, old := f.ReceivedIDs.Recall(ref.ID), f.HostIDOf(ref.ID) != "", at.Before(remembered)
		switch {
		case v == ReceivedID:
			g.undelivered = 0
		case v != fetchedID && v != UnknownID, ours, old, at.Before(since):
		case began.Sub(at) >= webhookSilence:
			g.undelivered++
		}
		// An earlier handover had webhooks that this one has not received.
		if v != UnknownID || ours || old || !at.After(l.Checked) || !l.Proven && at.Before(since) {
			continue
		}
		g.unseen = append(g.unseen, ref)
		switch {
		case began.Sub(at) < patience:
			g.young, g.late = true, g.late || began.Sub(at) >= webhookSlow
		case len(g.Missing) == genesys.MaxBulkMessages:
			g.more = true
		default:
			g.Missing = append(g.Missing, ref)
			continue
		}
		g.Checked = machine.Earlier(g.Checked, at.Add(-time.Millisecond))
	}
	return g
}

// listed returns the messages to the customer that a read shows since a time, oldest first.
func (r *Reading) listed(since machine.Time) []genesys.MessageRef {
	from := since.Add(-machine.SettlePeriod)
	list := slices.DeleteFunc(slices.Clone(r.Messages), func(ref genesys.MessageRef) bool { return machine.TimeOf(ref.Time).Before(from) })
	slices.SortStableFunc(list, func(a, b genesys.MessageRef) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// MessagesOf lists the messages of agents and flows to the customer. It omits the customer's
// messages and those not sent yet.
func MessagesOf(c *genesys.Conversation) []genesys.MessageRef {
	var list []genesys.MessageRef
	for _, p := range c.Participants {
		if p.IsCustomer() {
			continue
		}
		for _, ref := range p.Messages {
			switch ref.Status {
			case "received", "queued", "removed":
			default:
				if ref.ID != "" && !ref.Time.IsZero() {
					list = append(list, ref)
				}
			}
		}
	}
	return list
}

// Undelivered counts the messages that a read has listed for 2 minutes without a webhook, if no
// later message was delivered.
func (f *Record) Undelivered(kind TaskKind, r *Reading) int {
	if r == nil || r.Err != nil {
		return 0
	}
	if kind == TaskLook {
		return f.GapOf(r, f.Handover.OpeningTriedAt, f.Handover.Listing, false).undelivered
	}
	w := f.NextWatched()
	return f.GapOf(r, w.Since, w.Listing, false).undelivered
}

// settleGap adds fetched messages to the lane to the host as if their webhooks had arrived, before
// the read changes the session: messages precede the end that the same read shows. It reports
// whether the end has to wait, because fetching failed.
func (tx *Transaction) settleGap(o Outcome) (endWaits bool) {
	c := tx.Open()
	if c == nil || o.Read == nil || c.ConversationID == "" {
		return false
	}
	if o.Read.Err != nil {
		if o.Read.Blind {
			c.GapAt = 0 // reads are forbidden, so none will show that the gap is closed
		}
		return false
	}
	g := tx.GapOf(o.Read, c.OpeningTriedAt, c.Listing, o.End)
	fetched, all, lost := tx.acceptMissing(o, g, c.ConversationID, c.From)
	c.Proven = g.Proven
	c.GapAt, tx.unseenListed = 0, g.young || !all
	if o.GapErr == nil && (g.late || len(g.Missing) > 0) {
		c.GapAt = tx.Now
	}
	if all {
		c.Listing = g.Listing
	}
	tx.reportLost(&c.Listing, c.Session, lost, 0, reasonOf(o.GapErr), missing(o.GapErr))
	if endWaits = tx.endWaits(c, o, all); endWaits {
		return true
	}
	if more := all && g.more; o.GapErr == nil && (fetched || more) {
		c.PollEvery = 0
		if more {
			c.PollAt, c.Poll = tx.Now.Add(machine.ReadPause), false
		}
	}
	switch {
	case !o.End:
	case g.young || !all:
		tx.repair(c, o.Read, tx.Now.Add(webhookLife+machine.SettlePeriod))
	case g.more:
		tx.repair(c, o.Read, tx.Now)
	}
	return false
}

// endWaits reports whether the end that a read shows waits for messages that it lists: the attempt
// to fetch them failed and may succeed soon. It waits for 10 s at most.
func (tx *Transaction) endWaits(c *machine.Handover, o Outcome, all bool) bool {
	if !o.End {
		c.EndSeen = 0
		return false
	}
	if c.EndSeen.IsZero() {
		c.EndSeen = o.Read.Began
	}
	if all || o.GapErr == nil || unfetchable(o.GapErr) || !tx.Now.Before(c.EndSeen.Add(endHold)) {
		return false
	}
	c.PollAt, c.Poll = machine.Earlier(tx.Now.Add(machine.ReadPause), machine.Later(tx.Now, c.EndSeen.Add(endHold))), false
	return true
}

// repair watches the conversation of an ended session with missing messages, which r lists.
func (tx *Transaction) repair(c *machine.Handover, r *Reading, at machine.Time) {
	w := tx.watch(c.ConversationID, c.From, c.OpeningTriedAt, at)
	l := c.Listing
	if w.Checked.Before(l.Checked) { // messages of an earlier session in it are still missing
		l.Checked = w.Checked
	}
	w.Listing, w.Incomplete, w.Handover = l, true, c.ID
	tx.noteUnseen(w, r, r.genesysBegan())
	w.knows(c)
}

// repairEnd does the same if a read before a message of the customer has ended the session, because
// that read fetched nothing.
func (tx *Transaction) repairEnd(r *Reading) {
	c := tx.Handover
	if r == nil || r.Err != nil || c.ConversationID == "" {
		return
	}
	g := tx.GapOf(r, c.OpeningTriedAt, c.Listing, true)
	c.Proven = g.Proven
	switch {
	case len(g.Missing) > 0:
		tx.repair(c, r, tx.Now) // the Return waits a moment
	case g.young:
		tx.repair(c, r, tx.Now.Add(webhookLife+machine.SettlePeriod))
	}
}

// acceptMissing accepts the fetched messages. It returns whether there were any, whether all
// missing messages are accounted for, and the ids of those that are lost.
func (tx *Transaction) acceptMissing(o Outcome, g Gap, conversation, from string) (fetched, all bool, lost []string) {
	room := true
	all = true
	var known []genesys.MessageRef
	for _, ref := range g.Missing {
		i := slices.IndexFunc(o.Stored, func(m genesys.StoredMessage) bool { return m.ID == ref.ID })
		asked := slices.ContainsFunc(o.Asked, func(a genesys.MessageRef) bool { return a.ID == ref.ID })
		switch {
		case i >= 0 && (!room || !tx.hasRoom(&o.Stored[i])):
			all, room = false, false // Genesys keeps it, and the later ones
			continue
		case i >= 0:
			fetched = tx.acceptFetched(&o.Stored[i], conversation, from) || fetched
		case !asked || o.GapErr != nil && !unfetchable(o.GapErr), o.Read.genesysBegan().Sub(machine.TimeOf(ref.Time)) < webhookLife:
			all = false // no answer, or its webhook may still arrive
			continue
		default:
			lost = append(lost, ref.ID)
		}
		known = append(known, ref)
	}
	for _, ref := range known {
		at := machine.TimeOf(ref.Time)
		// Older messages are recognized by their time, and no webhook may deliver them. Remembering
		// many of them would displace the ids of delivered ones.
		if !all || at.After(g.Checked) || tx.genesysNow().Sub(at) <= replayAge {
			tx.ReceivedIDs.RememberOf(ref.ID, fetchedID, tx.Addressee(from), tx.Now)
		}
	}
	return fetched, all, lost
}

// reasonOf explains an error. It returns an empty text for nil.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return Explain(err)
}

// reportLost notes that messages of a conversation are lost, and more whose ids are not known. An
// empty why means that Genesys no longer has them. One notice per conversation of a session reports
// that: while webhooks fail and messages may not be fetched, one notice per message would be too
// many. The log of the record has their number.
func (tx *Transaction) reportLost(l *machine.Listing, s machine.Session, ids []string, more int, why, permission string) {
	n := len(ids) + more
	if n == 0 {
		return
	}
	first := l.Lost == 0
	l.Lost += n
	// An outage must not displace the log.
	if i := len(tx.Log) - 1; !first && i >= 0 && tx.Log[i].What == saidLost {
		tx.Log = slices.Clone(tx.Log[:i])
	}
	tx.AddLog(saidLost, gapDetail(l.Lost, why))
	if !first {
		return
	}
	detail := gapDetail(n, why) + idsOf(ids, n) + "; if more messages of this session are missing, they are only counted in Explain"
	tx.Notice(Notice{Kind: machine.NoticeGap, Session: s, Permission: permission, Detail: detail})
}

// maxNamed bounds the ids in a notice.
const maxNamed = 10

// idsOf lists the ids of n messages, as far as they are known.
func idsOf(ids []string, n int) string {
	named := strings.Join(ids[:min(len(ids), maxNamed)], ", ")
	switch more := n - min(len(ids), maxNamed); {
	case named == "":
		return ""
	case more > 0:
		return fmt.Sprintf("; their ids are %s and %d more", named, more)
	default:
		return "; ids: " + named
	}
}

// unfetchable reports whether Genesys refuses to return messages, now and on a retry.
func unfetchable(err error) bool {
	e, answered := APIError(err)
	switch {
	case !answered || errors.Is(err, genesys.ErrUnauthorized):
		return false
	case e.StatusCode == http.StatusRequestTimeout || e.StatusCode == http.StatusTooManyRequests:
		return false
	default:
		return e.StatusCode/100 == 4
	}
}

func gapDetail(lost int, why string) string {
	if why == "" {
		return fmt.Sprintf("%d messages of the agents did not arrive, and Genesys no longer returns them", lost)
	}
	return fmt.Sprintf("%d messages of the agents did not arrive, since webhooks failed, and could not be fetched: %s", lost, why)
}

// hasRoom reports whether the lane to the host has room for a fetched message.
func (tx *Transaction) hasRoom(m *genesys.StoredMessage) bool {
	body, ok := m.Message.Body.(openmessaging.Message)
	return !ok || tx.makeRoom(len(body.Text))
}

// acceptFetched accepts a fetched message, unless a webhook has delivered it under another id.
func (tx *Transaction) acceptFetched(m *genesys.StoredMessage, conversation, from string) bool {
	body, ok := m.Message.Body.(openmessaging.Message)
	if !m.Outbound || !ok || tx.ReceivedIDs.Recall(m.Message.ID) != UnknownID {
		return false
	}
	w := m.Message
	w.ConversationID, w.CustomerID = conversation, cmp.Or(w.CustomerID, from)
	tx.AddLog("a message of the agent was fetched, because no webhook delivered it", "")
	if w.ID != m.ID {
		tx.ReceivedIDs.RememberOf(w.ID, fetchedID, tx.Addressee(w.CustomerID), tx.Now)
	}
	tx.AcceptMessage(&w, body, 0)
	return true
}
