package engine

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// performTask performs the next task of the record.
func (m *Manager) performTask(ctx context.Context, j *record.Job) record.Outcome {
	kind, _ := j.Record.NextTask()
	began := m.Now()
	k, err := m.channel(ctx, j.Key.Channel)
	if err != nil {
		return record.Outcome{Task: kind, Effect: record.EffectNotPerformed, Err: err}
	}
	o := record.Outcome{}
	switch kind {
	case record.TaskLook:
		o = m.performLook(ctx, k, j.Record)
	case record.TaskReceipt:
		o.Err = m.sendReceipt(ctx, k, j.Record.NextReceipt())
	case record.TaskWatch:
		o = m.performWatch(ctx, k, j.Record, j.Record.NextWatched())
	case record.TaskNone:
	}
	if o.Task, o.Polls, o.Timers = kind, k.account, k.channel.Timers; kind == record.TaskLook {
		o.Socket = m.socketOf(ctx, k)
	}
	o.Alarm = m.webhookAlarm(ctx, j, kind, o.Read)
	m.doubtChannel(j.Key.Channel, o.Err)
	m.observe(ctx, "task."+string(kind), j.Key.Channel, began, o.Err)
	return o
}

// performLook reads the conversation, and transfers or disconnects it if the state requires that
// after the read.
func (m *Manager) performLook(ctx context.Context, k *channelState, f *record.Record) record.Outcome {
	c := *f.Handover
	if c.ConversationID == "" {
		return m.performSearch(ctx, k, f)
	}
	if c.Blind && c.State == machine.StateEnding {
		return m.tryDisconnect(ctx, k, c.ConversationID)
	}
	s := account.ShareReads
	if _, at := c.Timer(); c.Poll && (at.IsZero() || m.Now().Before(at)) {
		s = account.SharePolls
	}
	if c.State == machine.StateRequested && c.QueueID == "" && c.Routing == machine.RouteByTransfer {
		// Genesys could not be reached when the agent was requested.
		if o := m.resolveQueues(ctx, k, &c); o.Err != nil {
			return o
		}
	}
	conversation, r := k.account.Look(ctx, s, c.ConversationID, c.OpeningTriedAt, c.Before)
	o := record.Outcome{Read: r, Err: r.Err, QueueID: c.QueueID, BotQueue: c.BotQueue}
	if r.Err != nil && !r.Blind {
		return o
	}
	next, _ := machine.Apply(c, f.EventOf(r), m.Now())
	o.End = !next.Open()
	if next.Misrouted && !c.Misrouted {
		r.Queue = m.queueName(ctx, k, r.Standing.QueueID)
	}
	if r.Err == nil {
		m.fetch(ctx, k, c.ConversationID, f.GapOf(r, c.OpeningTriedAt, c.Listing, o.End), &o)
	}
	switch {
	case r.Err == nil && m.mustTransfer(&next, r) && !f.ContextWaits():
		m.transfer(ctx, k, &next, conversation, &o)
	case next.State == machine.StateEnding && !f.Sends() && next.MustDisconnect(m.Now()):
		d := m.tryDisconnect(ctx, k, next.ConversationID)
		d.Read, d.Asked, d.Stored, d.GapErr = r, o.Asked, o.Stored, o.GapErr
		return d
	}
	return o
}

// performSearch checks whether the opening has revived the last conversation, because its answer
// named none.
func (m *Manager) performSearch(ctx context.Context, k *channelState, f *record.Record) record.Outcome {
	id := f.Conversation()
	if id == "" || f.Handover.Blind {
		return record.Outcome{} // only a timer is due
	}
	_, r := k.account.Look(ctx, account.ShareReads, id, f.Handover.OpeningTriedAt, f.LegsOf(id).Ended)
	o := record.Outcome{Err: r.Err}
	switch {
	case r.Blind:
		o.Read, o.Err = r, nil
	case r.Gone:
		o.Err = nil
	case r.Err == nil && r.Live():
		o.Conversation = id
	}
	return o
}

// performWatch reads a conversation other than that of the open session, and disconnects it if no
// session needs it.
func (m *Manager) performWatch(ctx context.Context, k *channelState, f *record.Record, w *record.Watched) record.Outcome {
	conversation, r := k.account.Look(ctx, account.ShareReads, w.ID, w.Since, w.Before)
	o := record.Outcome{Read: r, Err: r.Err}
	if r.Blind || r.Gone {
		o.Err = nil
	}
	if r.Err == nil {
		m.fetch(ctx, k, w.ID, f.GapOf(r, w.Since, w.Listing, true), &o)
		o.BotQueue = m.botQueueOf(ctx, k, r, conversation)
	}
	if !f.Adoptable(w, r) && f.MayDisconnect(w, r, m.Now()) {
		d := m.tryDisconnect(ctx, k, w.ID)
		o.Tried, o.Disconnected, o.Refused, o.Err = d.Tried, d.Disconnected, d.Refused, d.Err
	}
	return o
}

// botQueueOf returns the queue into which the flow put a conversation, or "". An adopted
// conversation may return to it.
func (m *Manager) botQueueOf(ctx context.Context, k *channelState, r *record.Reading, conversation *genesys.Conversation) string {
	if k.channel.Routing == machine.RouteByFlow || !r.WithAgent() {
		return ""
	}
	c := machine.Handover{Session: machine.Session{Queue: k.channel.AgentQueue}}
	switch queues := m.resolveQueues(ctx, k, &c); {
	case queues.Err != nil: // then it stays with the agents until it ends
		return ""
	case c.BotQueue != "":
		return c.BotQueue
	}
	if entry := machine.EntryQueue(conversation, time.Time{}); entry != c.QueueID {
		return entry
	}
	return ""
}

// mustTransfer reports whether to transfer: only after a read that shows the queue's leg in the bot
// queue, and not twice in a row.
func (m *Manager) mustTransfer(c *machine.Handover, r *record.Reading) bool {
	return (c.State == machine.StateRequested || c.Unrouted(r.History.Came)) && c.Routing == machine.RouteByTransfer && c.QueueID != "" &&
		r.Standing.Phase == genesys.PhaseQueued && c.InBotQueue(r.Standing) && !r.Legs.Newest.Before(c.Newest) &&
		m.Now().Sub(c.Transferred) >= machine.TransferPause
}

func (m *Manager) transfer(ctx context.Context, k *channelState, c *machine.Handover, conversation *genesys.Conversation, o *record.Outcome) {
	leg, ok := queueLeg(conversation, o.Read.Standing.QueueID)
	if !ok {
		return
	}
	err := m.request(ctx, k, OpTransfer, account.ShareMessages, func(ctx context.Context, to *genesys.Client) error {
		return to.Conversations.TransferToQueue(ctx, c.ConversationID, leg.ID, c.QueueID)
	})
	switch j := record.Judged(err); {
	case err == nil:
		o.Transferred = true
	case j.Effect == record.EffectAmbiguous:
		o.Doubtful = true
	case j.Effect == record.EffectRefused || record.Forbidden(err):
		o.Refused = err
		if errors.Is(err, genesys.ErrNotFound) {
			m.forgetQueues()
		}
	default:
		o.Err, o.RetryAfter = err, j.RetryAfter
	}
}

// queueLeg returns the participant that is waiting in the queue.
func queueLeg(c *genesys.Conversation, queue string) (genesys.Participant, bool) {
	var leg genesys.Participant
	for _, p := range c.Participants {
		if p.IsQueue() && p.Live() && p.QueueID == queue && !p.Start.Before(leg.Start) {
			leg = p
		}
	}
	return leg, leg.ID != ""
}

// tryDisconnect ends the conversation for the customer. It tries the permitted ways in order.
func (m *Manager) tryDisconnect(ctx context.Context, k *channelState, conversation string) record.Outcome {
	err := m.request(ctx, k, OpDisconnect, account.ShareMessages, func(ctx context.Context, to *genesys.Client) error {
		return to.Conversations.Disconnect(ctx, conversation)
	})
	o := record.Outcome{Tried: true, Disconnected: err == nil, LeftText: k.channel.LeftText}
	if err == nil {
		return o
	}
	if e, ok := record.APIError(err); ok && e.StatusCode < http.StatusInternalServerError && e.StatusCode != http.StatusTooManyRequests {
		o.Refused = err
		return o
	}
	j := record.Judged(err)
	o.Err, o.RetryAfter, o.Tried = err, j.RetryAfter, false
	return o
}

// fetch requests the messages that a read lists and no webhook has delivered. Its failure does not
// fail the task, because the next read lists them again.
func (m *Manager) fetch(ctx context.Context, k *channelState, conversation string, g record.Gap, o *record.Outcome) {
	if o.GapErr = k.account.MayFetch(); len(g.Missing) == 0 {
		return
	}
	ids := make([]string, 0, len(g.Missing))
	for _, ref := range g.Missing {
		ids = append(ids, ref.ID)
	}
	o.Asked = g.Missing
	if o.GapErr != nil {
		return
	}
	began := m.Now()
	ctx, cancel := m.Within(ctx, account.FetchTime)
	defer cancel()
	o.GapErr = k.account.Do(ctx, account.ShareReads, account.Uncounted(func(ctx context.Context) (err error) {
		o.Stored, err = k.account.Client.Conversations.Messages(ctx, conversation, ids)
		return err
	}))
	k.account.NoteFetch(o.GapErr)
	m.observe(ctx, OpFetch, k.channel.ID, began, o.GapErr)
}
