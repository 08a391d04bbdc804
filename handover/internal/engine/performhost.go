package engine

import (
	"context"
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// receiptTime limits a Delivered receipt that is sent before settling, so that a message costs two
// writes and not three.
const receiptTime = 2 * time.Second

// performIn calls the host with the head of the lane.
func (m *Manager) performIn(ctx context.Context, j *record.Job) record.Outcome {
	head := j.Record.In.Entries[0]
	began := m.Now()
	var o record.Outcome
	switch head.Kind {
	case record.KindDelivery:
		o = m.performDelivery(ctx, j, &head, func(o record.Outcome) { m.settleLate(context.WithoutCancel(ctx), j, o) })
	case record.KindNotice:
		if m.config.Notify != nil {
			n := *head.Notice
			n.ID = j.Record.EntryID(head.Handover, head.Seq)
			if n.Kind == machine.NoticeQueued {
				n.Wait = m.waitIn(ctx, j.Key.Channel, n.To)
			}
			o = m.give(ctx, j, callNotify, func(ctx context.Context) error { return m.config.Notify(ctx, n) })
		}
	default:
		r := record.Return{
			ID: j.Record.EntryID(head.Handover, head.Seq), Attempt: head.Attempts + 1, Session: *head.Session, Unanswered: j.Record.Unanswered(head.Seq),
		}
		o = m.give(ctx, j, callReturn, func(ctx context.Context) error { return m.config.Return(ctx, r) })
	}
	m.observe(ctx, string(head.Kind), j.Key.Channel, began, o.Err)
	return o
}

// waitIn returns the estimated wait in a queue at the time of the notice. It returns nil if it is
// unknown, or not known in time.
func (m *Manager) waitIn(ctx context.Context, channel, queueID string) *time.Duration {
	ctx, cancel := m.Within(ctx, account.WaitTime) // the rest of the time is for the notice
	defer cancel()
	k, err := m.channel(ctx, channel)
	if err != nil {
		return nil
	}
	return m.waitOf(ctx, k, queueID, m.Now().Add(account.WaitTime))
}

// give calls the host with a notice or a Return.
func (m *Manager) give(ctx context.Context, j *record.Job, name string, f func(context.Context) error) record.Outcome {
	return hostOutcome(m.call(ctx, name, j, j.Head.Attempts+1, f, func(err error) {
		m.settleLate(context.WithoutCancel(ctx), j, hostOutcome(err))
	}))
}

func hostOutcome(err error) record.Outcome {
	if err == nil {
		return record.Outcome{}
	}
	if errors.Is(err, errLate) {
		return record.Outcome{Effect: record.EffectNotPerformed, Err: err, ChannelFault: true}
	}
	if _, ok := errors.AsType[*record.UndeliverableError](err); ok {
		return record.Outcome{Effect: record.EffectRefused, Err: err}
	}
	return record.Outcome{Effect: record.EffectAmbiguous, Err: err}
}

// performDelivery calls Deliver and tries to send the receipt. late is called if Deliver returns
// after its time.
func (m *Manager) performDelivery(ctx context.Context, j *record.Job, head *record.Entry, late func(record.Outcome)) record.Outcome {
	d, attempt := head.Delivery, head.Attempts+1
	if d.Verdict != nil { // reported during an attempt by a process that has died
		return record.Outcome{}
	}
	if head.Unsure {
		attempt++ // of a process that died before it stored the result
	}
	deliver := func(ctx context.Context) error {
		given := *d
		given.Attempt, given.OutOfOrder = attempt, j.Record.OutOfOrder(d)
		return m.config.Deliver(ctx, given)
	}
	k, o := m.judgeDelivery(ctx, j, d, m.call(ctx, callDeliver, j, head.Attempts+1, deliver, func(err error) {
		_, o := m.judgeDelivery(context.WithoutCancel(ctx), j, d, err)
		late(o)
	}))
	if o.Receipt == nil {
		return o
	}
	r := o.Receipt
	ctx, cancel := m.Within(ctx, receiptTime)
	defer cancel()
	if err := m.sendReceipt(ctx, k, r); err != nil && record.Judged(err).Effect != record.EffectRefused {
		return o
	}
	o.Receipt, o.Receipted = nil, true
	return o
}

// judgeDelivery returns the outcome of a call of Deliver that returned err. The outcome contains
// the receipt to send, if any.
func (m *Manager) judgeDelivery(ctx context.Context, j *record.Job, d *record.Delivery, err error) (*channelState, record.Outcome) {
	if errors.Is(err, record.Pending) {
		return nil, record.Outcome{Pending: true}
	}
	o := hostOutcome(err)
	if o.Err != nil {
		return nil, o
	}
	k, err := m.channel(ctx, j.Key.Channel)
	if err == nil && k.channel.Receipts == ReceiptsAll {
		o.Receipt = &record.Receipt{ID: d.ID, Status: openmessaging.StatusDelivered, To: d.From, Time: m.Now()}
	}
	return k, o
}

// sendReceipt sends the receipt of a message to Genesys.
func (m *Manager) sendReceipt(ctx context.Context, k *channelState, r *record.Receipt) error {
	s := account.ShareCourtesy
	w := openmessaging.InboundReceipt{
		MessageID: r.ID, To: openmessaging.Customer{ID: r.To, IDType: openmessaging.IDOpaque},
		Time: r.Time, Status: r.Status, Final: true,
	}
	if r.Status == openmessaging.StatusFailed {
		s = account.ShareMessages
		w.Reasons = []openmessaging.Reason{{Code: r.Code, Message: "the customer's channel did not take the message"}}
	}
	return m.request(ctx, k, OpReceipt, s, func(ctx context.Context, to *genesys.Client) error {
		return to.OpenMessaging.SendReceipt(ctx, k.channel.IntegrationID, w)
	})
}
