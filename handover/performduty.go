package handover

import (
	"context"
	"errors"
	"net/http"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// performDuty does what the state asks for.
func (m *Manager) performDuty(ctx context.Context, j *job) outcome {
	kind, _ := j.file.duty()
	began := m.now()
	k, err := m.channel(ctx, j.key.Channel)
	if err != nil {
		return outcome{duty: kind, effect: effectNotPerformed, err: err}
	}
	o := outcome{}
	switch kind {
	case dutyLook:
		o = m.performLook(ctx, k, j.file)
	case dutyReceipt:
		o.err = m.sendReceipt(ctx, k, j.file.nextReceipt())
	case dutyAdopt:
		o = m.performAdopt(ctx, k, j.file.Adopt)
	case dutyCleanup:
		o.err = m.disconnect(ctx, k, j.file.Orphans[0].Conversation)
	case dutyCheck:
		o = m.performCheck(ctx, k, j.file)
	case dutyNone:
	}
	if o.duty, o.known = kind, k; kind == dutyLook {
		o.socket = m.socketOf(ctx, k)
	}
	m.doubtChannel(j.key.Channel, o.err)
	m.observe(ctx, "duty."+string(kind), began, o.err)
	return o
}

// performLook reads, and then transfers or disconnects if that is what the state wants of what was read.
func (m *Manager) performLook(ctx context.Context, k *known, f *file) outcome {
	c := *f.Now
	if c.ConversationID == "" {
		return m.performSearch(ctx, k, f)
	}
	if c.Blind && c.State == StateEnding {
		return m.tryDisconnect(ctx, k, &c)
	}
	s := shareReads
	if _, at := c.timer(); c.Poll && (at.IsZero() || m.now().Before(at)) {
		s = sharePolls
	}
	if c.State == StateRequested && c.QueueID == "" && c.Routing == RouteByTransfer {
		if o := m.resolveQueues(ctx, k, &c); o.err != nil { // it could not be reached when the agent was asked for
			return o
		}
	}
	conversation, r := k.account.look(ctx, s, c.ConversationID, c.Tried)
	o := outcome{read: r, err: r.err, queueID: c.QueueID, botQueue: c.BotQueue}
	if r.err != nil && !r.blind {
		return o
	}
	next, _ := apply(c, r.event(), m.now())
	o.end = !next.Open()
	if r.err == nil {
		m.fetch(ctx, k, c.ConversationID, f.gapOf(r, c.Tried, c.listing, o.end), &o)
	}
	switch {
	case r.err == nil && m.mustTransfer(&next, r):
		m.transfer(ctx, k, &next, conversation, &o)
	case next.State == StateEnding && len(f.Out.Entries) == 0 && next.mustDisconnect(m.now()):
		d := m.tryDisconnect(ctx, k, &next)
		d.read, d.asked, d.stored, d.gapErr = r, o.asked, o.stored, o.gapErr
		return d
	}
	return o
}

// performSearch looks whether the opening, whose answer named no conversation, has revived the last one.
func (m *Manager) performSearch(ctx context.Context, k *known, f *file) outcome {
	id := f.conversation()
	if id == "" || f.Now.Blind {
		return outcome{} // only a timer is due
	}
	_, r := k.account.look(ctx, shareReads, id, f.Now.Tried)
	o := outcome{err: r.err}
	switch {
	case r.blind:
		o.read, o.err = r, nil
	case r.gone:
		o.err = nil
	case r.err == nil && r.live():
		o.conversation = id
	}
	return o
}

// performAdopt looks who is there, and where the flow put the conversation: it may come back there.
func (m *Manager) performAdopt(ctx context.Context, k *known, a *adoption) outcome {
	_, r := k.account.look(ctx, shareReads, a.Conversation, a.Since)
	o := outcome{read: r, err: r.err}
	if r.err != nil || k.channel.Routing == RouteByFlow {
		return o
	}
	c := core{Session: Session{Queue: k.channel.AgentQueue}}
	switch queues := m.resolveQueues(ctx, k, &c); {
	case queues.err != nil: // then it is an agent's until it ends
	case c.BotQueue != "":
		o.botQueue = c.BotQueue
	case r.history.Entry != c.QueueID:
		o.botQueue = r.history.Entry
	}
	return o
}

// mustTransfer: never without a read that shows the queue's leg in the bot queue, and not twice in a row.
func (m *Manager) mustTransfer(c *core, r *reading) bool {
	return (c.State == StateRequested || c.unrouted(r.history.Came)) && c.Routing == RouteByTransfer && c.QueueID != "" &&
		r.standing.Phase == genesys.PhaseQueued && c.inBotQueue(r.standing) &&
		m.now().Sub(c.Transferred) >= transferPause
}

func (m *Manager) transfer(ctx context.Context, k *known, c *core, conversation *genesys.Conversation, o *outcome) {
	leg, ok := queueLeg(conversation, o.read.standing.QueueID)
	if !ok {
		return
	}
	began := m.now()
	err := k.account.do(ctx, shareMessages, func(ctx context.Context) error {
		return k.account.client.Conversations.TransferToQueue(ctx, c.ConversationID, leg.ID, c.QueueID)
	})
	m.observe(ctx, "transfer", began, err)
	switch j := judged(err); {
	case err == nil:
		o.transferred = true
	case j.effect == effectAmbiguous:
		o.doubtful = true
	case j.effect == effectRefused || forbidden(err):
		o.refused = err
		if errors.Is(err, genesys.ErrNotFound) {
			m.forgetQueues()
		}
	default:
		o.err, o.retryAfter = err, j.retryAfter
	}
}

// queueLeg is the participant that stands in the queue.
func queueLeg(c *genesys.Conversation, queue string) (genesys.Participant, bool) {
	var leg genesys.Participant
	for _, p := range c.Participants {
		if p.IsQueue() && p.Live() && p.QueueID == queue && !p.Start.Before(leg.Start) {
			leg = p
		}
	}
	return leg, leg.ID != ""
}

// tryDisconnect ends the conversation for the customer, down the ladder of what may be permitted.
func (m *Manager) tryDisconnect(ctx context.Context, k *known, c *core) outcome {
	err := m.disconnect(ctx, k, c.ConversationID)
	o := outcome{tried: true, disconnected: err == nil, leftText: k.channel.LeftText}
	if err == nil {
		return o
	}
	if e, ok := apiError(err); ok && e.StatusCode < http.StatusInternalServerError && e.StatusCode != http.StatusTooManyRequests {
		o.refused = err
		return o
	}
	j := judged(err)
	o.err, o.retryAfter, o.tried = err, j.retryAfter, false
	return o
}

func (m *Manager) disconnect(ctx context.Context, k *known, conversation string) error {
	began := m.now()
	err := k.account.do(ctx, shareMessages, func(ctx context.Context) error {
		return k.account.client.Conversations.Disconnect(ctx, conversation)
	})
	m.observe(ctx, "disconnect", began, err)
	return err
}
