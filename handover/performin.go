package handover

import (
	"context"
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// receiptTime is what a Delivered receipt may take on the way, so that a message costs two writes and not three.
const receiptTime = 2 * time.Second

// performIn calls the host with the head of the lane.
func (m *Manager) performIn(ctx context.Context, j *job) outcome {
	head := j.file.In.Entries[0]
	began := m.now()
	var o outcome
	switch head.Kind {
	case kindDelivery:
		o = m.performDelivery(ctx, j, &head)
	case kindNotice:
		if m.config.Notify != nil {
			n := *head.Notice
			n.ID = j.file.entryID(head.Handover, head.Seq)
			if n.Kind == NoticeQueued {
				n.Wait = m.waitIn(ctx, j.key.Channel, n.To)
			}
			if m.now().Sub(j.began) > effectStart+waitTime { // it stood still meanwhile, and somebody else may perform by now
				return outcome{effect: effectNotPerformed, err: context.DeadlineExceeded, blameless: true}
			}
			o = hostOutcome(m.config.Notify(ctx, n))
		}
	default:
		r := Return{ID: j.file.entryID(head.Handover, head.Seq), Session: *head.Session, Unanswered: head.Back}
		o = hostOutcome(m.config.Return(ctx, r))
	}
	m.observe(ctx, string(head.Kind), began, o.err)
	return o
}

// waitIn is the estimated wait in a queue, as it is when the host hears of it; nil: unknown, or not known in time.
func (m *Manager) waitIn(ctx context.Context, channel, queueID string) *time.Duration {
	ctx, cancel := m.within(ctx, waitTime) // the notice needs the rest
	defer cancel()
	k, err := m.channel(ctx, channel)
	if err != nil {
		return nil
	}
	return m.waitOf(ctx, k, queueID)
}

func hostOutcome(err error) outcome {
	if err == nil {
		return outcome{}
	}
	if _, ok := errors.AsType[*undeliverableError](err); ok {
		return outcome{effect: effectRefused, err: err}
	}
	return outcome{effect: effectAmbiguous, err: err}
}

func (m *Manager) performDelivery(ctx context.Context, j *job, head *entry) outcome {
	d, attempt := head.Delivery, head.Attempts+1
	if head.Maybe {
		attempt++ // of somebody who did not live to say what became of it
	}
	o := hostOutcome(m.config.Deliver(ctx, Delivery{
		ID: d.ID, Session: d.Session, Message: d.Message, Origin: d.Origin, Time: d.Time,
		Attempt: attempt, Late: d.Late, OutOfOrder: j.file.outOfOrder(d),
	}))
	if o.err != nil {
		return o
	}
	k, err := m.channel(ctx, j.key.Channel)
	if err != nil || k.channel.Receipts != ReceiptsAll {
		return o
	}
	r := &receipt{ID: d.ID, Status: openmessaging.StatusDelivered, To: d.From, Time: m.now()}
	ctx, cancel := m.within(ctx, receiptTime)
	defer cancel()
	if err := m.sendReceipt(ctx, k, r); err != nil && judged(err).effect != effectRefused {
		o.receipt = r
	}
	return o
}

// outOfOrder reports whether a later message was given to the host before: it had arrived earlier, or no notice lay between.
func (f *file) outOfOrder(d *delivery) bool {
	return d.OutOfOrder || !d.Time.IsZero() && d.Time.Before(f.Given)
}

// sendReceipt tells Genesys what became of its message.
func (m *Manager) sendReceipt(ctx context.Context, k *known, r *receipt) error {
	s := shareCourtesy
	w := openmessaging.InboundReceipt{
		MessageID: r.ID, To: openmessaging.Customer{ID: r.To, IDType: openmessaging.IDOpaque},
		Time: r.Time, Status: r.Status, Final: true,
	}
	if r.Status == openmessaging.StatusFailed {
		s = shareMessages
		w.Reasons = []openmessaging.Reason{{Code: r.Code, Message: "the customer's channel did not take the message"}}
	}
	began := m.now()
	err := k.account.do(ctx, s, func(ctx context.Context) error {
		return k.account.client.OpenMessaging.SendReceipt(ctx, k.channel.IntegrationID, w)
	})
	m.observe(ctx, "receipt", began, err)
	return err
}
