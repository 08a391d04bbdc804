package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// work performs and settles one effect after the other, as long as the lane has work. The store
// gets the outcome after the slot is free, so a slow store does not hold up other requests.
func (m *Manager) work(ctx context.Context, j *record.Job) {
	defer m.vacate(seatOf(j).withoutSlot())
	for j != nil {
		effect, cancel := m.Until(seatOf(j).withSlot(ctx), j.Began.Add(record.EffectTime))
		o := m.perform(effect, j)
		cancel()
		m.releaseSlot(seatOf(j))
		m.settle(ctx, j, o)
		j = j.Next
	}
}

// perform does the I/O of a job and nothing else. A panic counts as a failure.
func (m *Manager) perform(ctx context.Context, j *record.Job) (o record.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			if j.Lane == record.Control {
				o.Task, _ = j.Record.NextTask()
			}
			m.logPanic(ctx, p, "panic in an effect", slog.String("lane", string(j.Lane)), slog.String("customer", m.hash(j.Key)))
			o = record.Outcome{Effect: record.EffectAmbiguous, Err: fmt.Errorf("handover: panic: %T", p), Task: o.Task}
		}
	}()
	if m.Now().Sub(j.Began) > record.EffectStart {
		return record.Outcome{Effect: record.EffectNotPerformed, Err: context.DeadlineExceeded, ChannelFault: true}
	}
	switch j.Lane {
	case record.ToGenesys:
		return m.performOut(ctx, j)
	case record.ToHost:
		return m.performIn(ctx, j)
	default:
		return m.performTask(ctx, j)
	}
}

// settle stores the outcome of a job, even if another worker holds the lease now, because the
// effect has happened. While the store fails, it retries until the lease expires; then another
// worker performs the effect again.
func (m *Manager) settle(ctx context.Context, j *record.Job, o record.Outcome) {
	last := j.Lease.Until.Add(record.LeaseGrace)
	var slot record.Reservation
	var givenUp record.EntryKind
	for pause := record.BackoffFirst; ; pause *= 2 {
		_, err := m.transact(ctx, j.Key, j, func(tx *record.Transaction) error {
			switch j.Lane {
			case record.ToGenesys:
				tx.SettleOut(j, o)
			case record.ToHost:
				tx.SettleIn(j, o)
				tx.SettleStuck(j, o)
				givenUp = tx.GivenUp
			default:
				tx.SettleTask(j, o)
				tx.ReservePoll(o, &slot)
			}
			return nil
		})
		if err == nil {
			if givenUp != "" {
				m.log.Error("given up: the host did not accept it", slog.String("what", givenUp.Words()), slog.String("channel", j.Key.Channel),
					slog.String("customer", m.hash(j.Key)), slog.Any("error", o.Err))
			}
			return
		}
		m.log.Warn("outcome not stored", slog.String("lane", string(j.Lane)), slog.String("customer", m.hash(j.Key)), slog.Any("error", err))
		if pause = min(pause, last.Sub(m.now())); pause <= 0 || m.Sleep(ctx, pause) != nil {
			break
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leave(j)
}

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
		_, o.Read = k.account.Look(ctx, account.ShareReads, c.ConversationID, c.LegsSince(), c.Before)
		m.doubtChannel(j.Key.Channel, o.Read.Err)
		if stop := mustWait(c, o.Read, m.now()); stop {
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
		o.Posted = clock.Genesys(machine.TimeOf(began))
	}
	if err != nil {
		failed := record.Judged(err)
		failed.Read, failed.QueueID, failed.BotQueue, failed.Posted = o.Read, o.QueueID, o.BotQueue, o.Posted
		return failed
	}
	o.Conversation, o.PlatformID = res.ConversationID, res.MessageID
	if !res.Date.IsZero() {
		o.Accepted = acceptedAt(machine.TimeOf(res.Date), k.account.Clock(), m.now())
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
		return clock.Unmeasured || clock.Genesys(m.now()).Sub(c.ConfirmedAt) > confirmedTime
	}
}

// mustWait reports whether the POST must wait: the read failed, or the agents no longer have the
// conversation.
func mustWait(c machine.Handover, r *record.Reading, now machine.Time) (stop bool) {
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
			r.From, r.MessageID, r.Time = c.Sender(), id, at.Std()
			res, err = k.account.Client.OpenMessaging.SendReply(ctx, integrationOf(c, k), r)
			return err
		}
		msg := x.WireMessage(c)
		msg.MessageID, msg.Time = id, at.Std()
		res, err = k.account.Client.OpenMessaging.Send(ctx, genesys.SendRequest{
			IntegrationID: integrationOf(c, k), Message: msg, PrefetchConversationID: true,
		})
		return err
	})
	return res, err
}

// acceptedAt returns when Genesys accepted a message at the latest, by its clock: in the second of
// the answer's Date, and not after the answer arrived.
func acceptedAt(date machine.Time, c machine.Clock, arrived machine.Time) machine.Time {
	latest := date.Add(machine.DateStep)
	if at := c.Genesys(arrived); !c.Unmeasured && at.Before(latest) {
		return machine.Later(at, date)
	}
	return latest
}

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
		o.Receipt = &record.Receipt{ID: d.ID, Status: openmessaging.StatusDelivered, To: d.From, Time: m.now()}
	}
	return k, o
}

// sendReceipt sends the receipt of a message to Genesys.
func (m *Manager) sendReceipt(ctx context.Context, k *channelState, r *record.Receipt) error {
	s := account.ShareCourtesy
	w := openmessaging.InboundReceipt{
		MessageID: r.ID, To: openmessaging.Customer{ID: r.To, IDType: openmessaging.IDOpaque},
		Time: r.Time.Std(), Status: r.Status, Final: true,
	}
	if r.Status == openmessaging.StatusFailed {
		s = account.ShareMessages
		w.Reasons = []openmessaging.Reason{{Code: r.Code, Message: "the customer's channel did not take the message"}}
	}
	return m.request(ctx, k, OpReceipt, s, func(ctx context.Context, to *genesys.Client) error {
		return to.OpenMessaging.SendReceipt(ctx, k.channel.IntegrationID, w)
	})
}

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
	if _, at := c.Timer(); c.Poll && (at.IsZero() || m.now().Before(at)) {
		s = account.SharePolls
	}
	if (c.State == machine.StateRequested || c.Unrouted(0)) && c.QueueID == "" && c.Routing == machine.RouteByTransfer {
		// Genesys could not be reached when the agent was requested.
		if o := m.resolveQueues(ctx, k, &c); o.Err != nil {
			return o
		}
	}
	conversation, r := k.account.Look(ctx, s, c.ConversationID, c.LegsSince(), c.Before)
	o := record.Outcome{Read: r, Err: r.Err, QueueID: c.QueueID, BotQueue: c.BotQueue}
	if r.Err != nil && !r.Blind {
		return o
	}
	next, _ := machine.Apply(c, f.EventOf(r), m.now())
	o.End = !next.Open()
	if next.Misrouted && !c.Misrouted {
		r.Queue = m.queueName(ctx, k, r.Standing.QueueID)
	}
	if r.Err == nil {
		m.fetch(ctx, k, c.ConversationID, f.GapOf(r, c.OpeningTriedAt, c.Listing, o.End), &o)
		if c.Request == "" && c.Routing == machine.RouteByFlow && c.BotQueue == "" { // adopted, without a read
			o.BotQueue = m.botQueueOf(ctx, k, conversation)
		}
	}
	switch {
	case r.Err == nil && m.mustTransfer(&next, r) && !f.ContextWaits():
		m.transfer(ctx, k, &next, conversation, &o)
	case next.State == machine.StateEnding && !f.Sends() && next.MustDisconnect(m.now()):
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
	_, r := k.account.Look(ctx, account.ShareReads, id, f.Handover.LegsSince(), f.LegsOf(id).Ended)
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
	conversation, r := k.account.Look(ctx, account.ShareReads, w.ID, machine.Since{At: w.Since}, w.Before)
	o := record.Outcome{Read: r, Err: r.Err}
	if r.Blind || r.Gone {
		o.Err = nil
	}
	if r.Err == nil {
		m.fetch(ctx, k, w.ID, f.GapOf(r, w.Since, w.Listing, true), &o)
		if r.WithAgent() { // a session may begin
			o.BotQueue = m.botQueueOf(ctx, k, conversation)
		}
	}
	if !f.Adoptable(w, r) && f.MayDisconnect(w, r, m.now()) {
		d := m.tryDisconnect(ctx, k, w.ID)
		o.Tried, o.Disconnected, o.Refused, o.Err, o.RetryAfter = d.Tried, d.Disconnected, d.Refused, d.Err, d.RetryAfter
	}
	return o
}

// botQueueOf returns the queue into which the flow put a conversation, or "". An adopted
// conversation may return to it.
func (m *Manager) botQueueOf(ctx context.Context, k *channelState, conversation *genesys.Conversation) string {
	if k.channel.Routing == machine.RouteByFlow {
		return ""
	}
	c := machine.Handover{Session: machine.Session{Queue: k.channel.AgentQueue}}
	switch queues := m.resolveQueues(ctx, k, &c); {
	case queues.Err != nil: // then it stays with the agents until it ends
		return ""
	case c.BotQueue != "":
		return c.BotQueue
	}
	if entry := machine.EntryQueue(conversation, conversation, 0); entry != c.QueueID {
		return entry
	}
	return ""
}

// mustTransfer reports whether to transfer: only after a read that shows the queue's leg in the bot
// queue, and not twice in a row.
func (m *Manager) mustTransfer(c *machine.Handover, r *record.Reading) bool {
	return (c.State == machine.StateRequested || c.Unrouted(r.History.Came)) && c.Routing == machine.RouteByTransfer && c.QueueID != "" &&
		r.Standing.Phase == genesys.PhaseQueued && c.InBotQueue(r.Standing) && !r.Legs.Newest.Before(c.Newest) &&
		m.now().Sub(c.Transferred) >= machine.TransferPause
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
