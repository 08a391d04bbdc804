package handover

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// settleGap takes what was fetched into the lane to the host as if the webhooks had come, before the read moves anything: words come
// before the end that the same read shows.
func (e *edit) settleGap(o outcome) {
	c := e.open()
	if c == nil || o.read == nil || c.ConversationID == "" {
		return
	}
	if o.read.err != nil {
		if o.read.blind {
			c.Gap = time.Time{} // nothing will say that it is closed
		}
		return
	}
	g := e.gapOf(o.read, c.Tried, c.listing, o.end)
	fetched, all := e.hearMissed(o, g, c.ConversationID, c.From)
	c.Proven = g.Proven
	c.Gap, e.words = time.Time{}, g.young || !all
	if o.gapErr == nil && (g.late || len(g.missing) > 0) {
		c.Gap = e.now
	}
	if all {
		c.listing = g.listing
	}
	if more := all && g.more; o.gapErr == nil && (fetched || more) {
		t := &turn{core: *c, now: e.now}
		t.hurry()
		if more {
			t.readAt(e.now.Add(readPause))
		}
		*c = t.core
	}
	switch {
	case !o.end:
	case g.young || !all:
		e.checkAt(c, e.now.Add(webhookLife+settlePeriod))
	case g.more:
		e.checkAt(c, e.now)
	}
}

// checkAt wants a last look at the conversation of a session that is over. That of a session before may still wait.
func (e *edit) checkAt(c *core, at time.Time) {
	x := check{listing: c.listing, Conversation: c.ConversationID, From: c.From, Since: c.Tried, At: at}
	if e.Check != nil {
		if at.Before(e.Check.At) {
			x, *e.Check = *e.Check, x
		}
		e.Checks = last(append(e.Checks, x), maxChecks)
		return
	}
	e.Check = &x
}

// checked goes on with the next one.
func (e *edit) checked() {
	e.Check = nil
	if len(e.Checks) > 0 {
		x := e.Checks[0]
		e.Check, e.Checks = &x, e.Checks[1:]
	}
}

// reaches notes a webhook of a conversation that is looked at once more: a read that does not list it has other ids.
func (e *edit) reaches(conversation string) {
	if e.Check != nil && e.Check.Conversation == conversation {
		e.Check.Reached = true
	}
	for i := range e.Checks {
		if e.Checks[i].Conversation == conversation {
			e.Checks[i].Reached = true
		}
	}
}

// checkEnd wants that look if a read before a message of the customer has ended the session: nothing was fetched then.
func (e *edit) checkEnd(r *reading) {
	c := e.Now
	if r == nil || r.err != nil || c.ConversationID == "" {
		return
	}
	g := e.gapOf(r, c.Tried, c.listing, true)
	c.Proven = g.Proven
	switch {
	case len(g.missing) > 0:
		e.checkAt(c, e.now) // the Return waits a moment
	case g.young:
		e.checkAt(c, e.now.Add(webhookLife+settlePeriod))
	}
}

// settleCheck: what was missing at the end comes late.
func (e *edit) settleCheck(j *job, o outcome) {
	c := e.Check
	if c == nil || c.Conversation != j.file.Check.Conversation || !c.At.Equal(j.file.Check.At) {
		return // settled before
	}
	if o.err == nil {
		g := e.gapOf(o.read, c.Since, c.listing, true)
		_, all := e.hearMissed(o, g, c.Conversation, c.From)
		if all {
			c.listing = g.listing
		}
		switch {
		case all && g.more:
			c.At = e.now.Add(readPause)
			return
		case all && !g.young:
			e.checked()
			return
		}
		c.Left = e.left(c, o.read)
	}
	if !postponed(o.err) && !postponed(o.gapErr) {
		c.Tries++
	}
	c.At = e.now.Add(checkPause)
	if forbidden(o.err) || c.Tries >= maxCheckTries {
		e.checked()
		e.lost(c.Left, cmp.Or(o.err, o.gapErr))
	}
}

// left counts what is still missing of a session that is over, but not what a later one in the same conversation looks for.
func (e *edit) left(c *check, r *reading) (n int) {
	until := r.began.Add(settlePeriod)
	if x := e.open(); x != nil && x.ConversationID == c.Conversation {
		until = x.Tried
	}
	for _, x := range e.Checks {
		if x.Conversation == c.Conversation && x.Since.After(c.Since) {
			until = earlier(until, x.Since)
		}
	}
	for _, ref := range e.gapOf(r, c.Since, c.listing, true).missing {
		if ref.Time.Before(until.Add(-settlePeriod)) {
			n++
		}
	}
	return n
}

// hearMissed takes the messages that were fetched. It reports whether there were any, and whether all that is missing is accounted
// for: what cannot be had is reported, once.
func (e *edit) hearMissed(o outcome, g gap, conversation, from string) (fetched, all bool) {
	lost, room := 0, true
	all = true
	var known []genesys.MessageRef
	for _, ref := range g.missing {
		i := slices.IndexFunc(o.stored, func(m genesys.StoredMessage) bool { return m.ID == ref.ID })
		asked := slices.ContainsFunc(o.asked, func(a genesys.MessageRef) bool { return a.ID == ref.ID })
		switch {
		case i >= 0 && (!room || !e.hasRoom(&o.stored[i])):
			all, room = false, false // Genesys keeps it, and those behind it
			continue
		case i >= 0:
			fetched = e.hearStored(&o.stored[i], conversation, from) || fetched
		case !asked || o.gapErr != nil && !unfetchable(o.gapErr), o.read.began.Sub(ref.Time) < webhookLife:
			all = false // nobody answered, or its webhook may come
			continue
		default:
			lost++
		}
		known = append(known, ref)
	}
	for _, ref := range known {
		// What is older is known by its time, and no webhook may bring it: many of them must not push out the ids of those that came.
		if !all || ref.Time.After(g.Checked) || e.now.Sub(ref.Time) <= replayAge {
			e.Heard.remember(ref.ID, missed, e.now)
		}
	}
	e.lost(lost, o.gapErr)
	return fetched, all
}

// lost reports messages that nobody will bring.
func (e *edit) lost(n int, err error) {
	if n == 0 {
		return
	}
	detail := gapDetail(n, err)
	e.say(saidGap, detail)
	e.notice(Notice{Kind: NoticeGap, Permission: missing(err), Detail: detail})
}

// unfetchable: Genesys refuses to give messages, and would again.
func unfetchable(err error) bool {
	e, answered := apiError(err)
	switch {
	case !answered || errors.Is(err, genesys.ErrUnauthorized):
		return false
	case e.StatusCode == http.StatusRequestTimeout || e.StatusCode == http.StatusTooManyRequests:
		return false
	default:
		return e.StatusCode/100 == 4
	}
}

func gapDetail(lost int, err error) string {
	if err == nil {
		return fmt.Sprintf("%d messages of the agents did not arrive, and Genesys no longer gives them", lost)
	}
	return fmt.Sprintf("%d messages of the agents did not arrive, since webhooks failed, and could not be fetched: %s", lost, explain(err))
}

// hasRoom reports whether the lane to the host takes a message that Genesys kept.
func (e *edit) hasRoom(m *genesys.StoredMessage) bool {
	body, ok := m.Message.Body.(openmessaging.Message)
	return !ok || e.makeRoom(len(body.Text))
}

// hearStored hears a message that Genesys kept, if no webhook has brought it under another id.
func (e *edit) hearStored(m *genesys.StoredMessage, conversation, from string) bool {
	body, ok := m.Message.Body.(openmessaging.Message)
	if !m.Outbound || !ok || e.Heard.recall(m.Message.ID) != unheard {
		return false
	}
	w := m.Message
	w.ConversationID, w.CustomerID = conversation, cmp.Or(w.CustomerID, from)
	e.say(saidFetched, "")
	if w.ID != m.ID {
		e.Heard.remember(w.ID, missed, e.now)
	}
	e.hear(&w, body, time.Time{})
	return true
}
