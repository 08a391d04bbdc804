package engine

import (
	"context"
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// confirmedTime is how long a proof that agents have the conversation is valid. The 2xx of a POST
// does not prove that an agent will read it.
const confirmedTime = 15 * time.Second

// performOut sends the next part of the head of the lane to Genesys.
func (m *Manager) performOut(ctx context.Context, j *record.Job) record.Outcome {
	c, head := *j.Record.Handover, j.Head
	k, err := m.channel(ctx, j.Key.Channel)
	if err != nil {
		return record.Outcome{Effect: record.EffectNotPerformed, ChannelFault: true, Err: err}
	}
	if head.Kind == record.KindOpen && c.QueueID == "" && c.Routing == machine.RouteByTransfer {
		if o := m.resolveQueues(ctx, k, &c); o.Err != nil {
			return o
		}
	}
	o := record.Outcome{QueueID: c.QueueID, BotQueue: c.BotQueue}
	if m.mustConfirm(k.account.Clock(), &c, &head) {
		_, o.Read = k.account.Look(ctx, account.ShareReads, c.ConversationID, c.OpeningTriedAt, c.Before)
		m.doubtChannel(j.Key.Channel, o.Read.Err)
		if stop := mustWait(c, o.Read, m.Now()); stop {
			o.Effect, o.Err, o.ChannelFault = record.EffectPostponed, o.Read.Err, true
			return o
		}
	}
	began := m.Now()
	res, err := m.post(ctx, k, &c, &head)
	m.observe(ctx, "send."+string(head.Kind), j.Key.Channel, began, err)
	m.doubtChannel(j.Key.Channel, err)
	clock := k.account.Clock()
	if !clock.Unmeasured {
		o.Posted = asStored(clock.Genesys(began))
	}
	if err != nil {
		failed := record.Judged(err)
		failed.Read, failed.QueueID, failed.BotQueue, failed.Posted = o.Read, o.QueueID, o.BotQueue, o.Posted
		return failed
	}
	o.Conversation, o.PlatformID = res.ConversationID, res.MessageID
	if !res.Date.IsZero() {
		o.Accepted = acceptedAt(res.Date, k.account.Clock(), m.Now())
	}
	return o
}

func (m *Manager) mustConfirm(clock machine.Clock, c *machine.Handover, head *record.Entry) bool {
	switch {
	case head.Kind == record.KindOpen || c.ConversationID == "" || c.Blind:
		return false
	case c.State == machine.StateBot || c.State == machine.StateRequested:
		return false
	default:
		return clock.Unmeasured || clock.Genesys(m.Now()).Sub(c.ConfirmedAt) > confirmedTime
	}
}

// mustWait reports whether the POST must wait: the read failed, or the agents no longer have the
// conversation.
func mustWait(c machine.Handover, r *record.Reading, now time.Time) (stop bool) {
	if r.Err != nil {
		return !r.Blind
	}
	next, _ := machine.Apply(c, r.Event(), now)
	return !next.Open() || next.Unconfirmed.Phase != ""
}

// resolveQueues resolves the queues before the opening is posted, so that no later step can be
// refused for a wrong name.
func (m *Manager) resolveQueues(ctx context.Context, k *channelState, c *machine.Handover) record.Outcome {
	for _, q := range []struct {
		name string
		id   *string
	}{{c.Queue, &c.QueueID}, {k.channel.BotQueue, &c.BotQueue}} {
		id, err := m.resolve(ctx, k, q.name)
		if errors.Is(err, record.ErrNoQueue) {
			return record.Outcome{Effect: record.EffectRefused, Err: err, Code: machine.CodeQueue}
		}
		if err != nil {
			o := record.Judged(err)
			o.Effect, o.ChannelFault = record.EffectNotPerformed, true // a read has no effect
			return o
		}
		*q.id = id
	}
	return record.Outcome{}
}

// post sends one part.
func (m *Manager) post(ctx context.Context, k *channelState, c *machine.Handover, x *record.Entry) (*genesys.SendResult, error) {
	kind, again := x.Kind, ""
	if kind == record.KindContext {
		kind = record.KindOpen // both are named after their Request
	}
	if x.Again {
		again = c.ID
	}
	id := record.MessageID(kind, integrationOf(c, k), c.From, x.HostID, x.Done, again)
	at := x.Wire.Add(time.Duration(x.Done) * time.Millisecond)
	var res *genesys.SendResult
	err := k.account.Do(ctx, account.ShareMessages, func(ctx context.Context) (err error) {
		if x.Kind == record.KindReply {
			r := *x.Message.Reply
			r.From, r.MessageID, r.Time = c.Sender(), id, at
			res, err = k.account.Client.OpenMessaging.SendReply(ctx, integrationOf(c, k), r)
			return err
		}
		msg := x.WireMessage(c)
		msg.MessageID, msg.Time = id, at
		res, err = k.account.Client.OpenMessaging.Send(ctx, genesys.SendRequest{
			IntegrationID: integrationOf(c, k), Message: msg, PrefetchConversationID: true,
		})
		return err
	})
	return res, err
}

// acceptedAt returns when Genesys accepted a message at the latest, by its clock: in the second of
// the answer's Date, and not after the answer arrived.
func acceptedAt(date time.Time, c machine.Clock, arrived time.Time) time.Time {
	latest := date.Add(machine.DateStep)
	if at := asStored(c.Genesys(arrived)); !c.Unmeasured && at.Before(latest) {
		return machine.Later(at, date)
	}
	return latest
}
