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
			c.GapAt = time.Time{} // reads are forbidden, so none will show that the gap is closed
		}
		return false
	}
	g := tx.GapOf(o.Read, c.OpeningTriedAt, c.Listing, o.End)
	fetched, all, lost := tx.acceptMissing(o, g, c.ConversationID, c.From)
	c.Proven = g.Proven
	c.GapAt, tx.unseenListed = time.Time{}, g.young || !all
	if o.GapErr == nil && (g.late || len(g.Missing) > 0) {
		c.GapAt = tx.Now
	}
	if all {
		c.Listing = g.Listing
	}
	tx.lost(&c.Listing, c.Session, lost, o.GapErr)
	if endWaits = tx.endWaits(c, o, all); endWaits {
		return true
	}
	if more := all && g.more; o.GapErr == nil && (fetched || more) {
		t := &machine.Transition{Handover: *c, Now: tx.Now}
		t.PollSoon()
		if more {
			t.ScheduleRead(tx.Now.Add(machine.ReadPause))
		}
		*c = t.Handover
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
		c.EndSeen = time.Time{}
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
func (tx *Transaction) repair(c *machine.Handover, r *Reading, at time.Time) {
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
// missing messages are accounted for, and the messages that are lost.
func (tx *Transaction) acceptMissing(o Outcome, g Gap, conversation, from string) (fetched, all bool, lost []genesys.MessageRef) {
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
		case !asked || o.GapErr != nil && !unfetchable(o.GapErr), o.Read.genesysBegan().Sub(ref.Time) < webhookLife:
			all = false // no answer, or its webhook may still arrive
			continue
		default:
			lost = append(lost, ref)
		}
		known = append(known, ref)
	}
	for _, ref := range known {
		// Older messages are recognized by their time, and no webhook may deliver them. Remembering
		// many of them would displace the ids of delivered ones.
		if !all || ref.Time.After(g.Checked) || tx.genesysNow().Sub(ref.Time) <= replayAge {
			tx.ReceivedIDs.RememberOf(ref.ID, fetchedID, tx.Addressee(from), tx.Now)
		}
	}
	return fetched, all, lost
}

// lost notes that messages of a session are lost.
func (tx *Transaction) lost(l *machine.Listing, s machine.Session, refs []genesys.MessageRef, err error) {
	ids := make([]string, 0, len(refs))
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	tx.reportLost(l, s, len(ids), ids, reasonOf(err), missing(err))
}

// reasonOf explains an error. It returns an empty text for nil.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return Explain(err)
}

// reportLost notes that n messages of a conversation are lost, and their ids if known. An empty why
// means that Genesys no longer has them. One notice per conversation of a session reports that:
// while webhooks fail and messages may not be fetched, one notice per message would be too many.
// The log of the record has their number.
func (tx *Transaction) reportLost(l *machine.Listing, s machine.Session, n int, ids []string, why, permission string) {
	if n == 0 {
		return
	}
	first := l.Lost == 0
	l.Lost += n
	// An outage must not displace the log.
	if i := len(tx.Log) - 1; !first && i >= 0 && tx.Log[i].What == saidGap {
		tx.Log = slices.Clone(tx.Log[:i])
	}
	tx.AddLog(saidGap, gapDetail(l.Lost, why))
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
	ids = ids[:min(len(ids), maxNamed)]
	switch more := n - len(ids); {
	case len(ids) == 0:
		return ""
	case more > 0:
		return fmt.Sprintf("; their ids are %s and %d more", strings.Join(ids, ", "), more)
	default:
		return "; ids: " + strings.Join(ids, ", ")
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
	tx.AddLog(saidFetched, "")
	if w.ID != m.ID {
		tx.ReceivedIDs.RememberOf(w.ID, fetchedID, tx.Addressee(w.CustomerID), tx.Now)
	}
	tx.AcceptMessage(&w, body, time.Time{})
	return true
}
