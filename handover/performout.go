package handover

import (
	"context"
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// vouchTime is how long a proof lasts that agents have the conversation: a POST's 2xx does not prove that anyone will read it.
const vouchTime = 15 * time.Second

// performOut sends the next part of the head of the lane to Genesys.
func (m *Manager) performOut(ctx context.Context, j *job) outcome {
	c, head := *j.file.Now, j.file.Out.Entries[0]
	k, err := m.channel(ctx, j.key.Channel)
	if err != nil {
		return outcome{effect: effectNotPerformed, blameless: true, err: err}
	}
	if head.Kind == kindOpen && c.QueueID == "" && c.Routing == RouteByTransfer {
		if o := m.resolveQueues(ctx, k, &c); o.err != nil {
			return o
		}
	}
	o := outcome{queueID: c.QueueID, botQueue: c.BotQueue}
	if m.mustVouch(&c, &head) {
		_, o.read = k.account.look(ctx, shareReads, c.ConversationID, c.Tried)
		m.doubtChannel(j.key.Channel, o.read.err)
		if stop := vouched(c, o.read, m.now()); stop {
			o.effect, o.err, o.blameless = effectHeld, o.read.err, true
			return o
		}
	}
	began := m.now()
	res, err := m.post(ctx, k, &c, &head)
	m.observe(ctx, "send."+string(head.Kind), began, err)
	m.doubtChannel(j.key.Channel, err)
	if err != nil {
		failed := judged(err)
		failed.read, failed.queueID, failed.botQueue = o.read, o.queueID, o.botQueue
		return failed
	}
	o.conversation, o.platformID = res.ConversationID, res.MessageID
	return o
}

func (m *Manager) mustVouch(c *core, head *entry) bool {
	switch {
	case head.Kind == kindOpen || c.ConversationID == "" || c.Blind:
		return false
	case c.State == StateBot || c.State == StateRequested:
		return false
	default:
		return m.now().Sub(c.Vouched) > vouchTime
	}
}

// vouched reports whether the POST must wait: the read failed, or the agents no longer have the conversation.
func vouched(c core, r *reading, now time.Time) (stop bool) {
	if r.err != nil {
		return !r.blind
	}
	next, _ := apply(c, r.event(), now)
	return !next.Open() || next.Doubt.Phase != ""
}

// resolveQueues is done before the opening is posted, so that nothing refusable comes after it.
func (m *Manager) resolveQueues(ctx context.Context, k *known, c *core) outcome {
	for _, q := range []struct {
		name string
		id   *string
	}{{c.Queue, &c.QueueID}, {k.channel.BotQueue, &c.BotQueue}} {
		id, err := m.resolve(ctx, k, q.name)
		if errors.Is(err, ErrNoQueue) {
			return outcome{effect: effectRefused, err: err, code: CodeQueue}
		}
		if err != nil {
			o := judged(err)
			o.effect, o.blameless = effectNotPerformed, true // a read has no effect
			return o
		}
		*q.id = id
	}
	return outcome{}
}

// post sends one part.
func (m *Manager) post(ctx context.Context, k *known, c *core, x *entry) (*genesys.SendResult, error) {
	id := messageID(x.Kind, k.channel.IntegrationID, c.From, x.HostID, x.Done)
	at := x.Wire.Add(time.Duration(x.Done) * time.Millisecond)
	var res *genesys.SendResult
	var call func(context.Context) error
	if x.Kind == kindReply {
		r := *x.Message.Reply
		r.From, r.MessageID, r.Time = c.from(), id, at
		call = func(ctx context.Context) (err error) {
			res, err = k.account.client.OpenMessaging.SendReply(ctx, k.channel.IntegrationID, r)
			return err
		}
	} else {
		msg := x.wire(c)
		msg.MessageID, msg.Time = id, at
		call = func(ctx context.Context) (err error) {
			res, err = k.account.client.OpenMessaging.Send(ctx, genesys.SendRequest{
				IntegrationID: k.channel.IntegrationID, Message: msg, PrefetchConversationID: true,
			})
			return err
		}
	}
	if err := k.account.do(ctx, shareMessages, call); err != nil {
		return nil, err
	}
	return res, nil
}

// wire is the next part of an entry, without id and time.
func (x *entry) wire(c *core) openmessaging.InboundMessage {
	var w openmessaging.InboundMessage
	switch x.Kind {
	case kindOpen:
		return x.Opening.part(x.Done)
	case kindLeft:
		w.Text = x.Text
	default:
		w = x.Message.part(x.Done)
	}
	w.From = c.from()
	return w
}
