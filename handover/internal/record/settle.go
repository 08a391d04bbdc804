package record

import (
	"cmp"
	"context"
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

// SettleOut stores the outcome of the head of the lane to Genesys.
func (tx *Transaction) SettleOut(j *Job, o Outcome) {
	if tx.sameSession(j) {
		tx.noteRequested(j, o.Read)
		tx.settleRead(o.Read, false)
	}
	x, ok := tx.attempted(j)
	if !ok {
		tx.settledLate(j, o)
		return // settled before
	}
	ours := tx.Handover.ID == x.Handover
	if first := x.Kind == KindOpen && !x.Unsure && x.Done == 0; ours && first && !o.Posted.IsZero() {
		// Until its answer, the offset of Genesys' clock may not have been known.
		tx.Handover.OpeningTriedAt, tx.Handover.TriedByHost = o.Posted, false
	}
	if ours && x.Kind == KindOpen && o.QueueID != "" && tx.Handover.QueueID == "" && tx.Handover.Queue == j.Record.Handover.Queue {
		tx.Handover.QueueID, tx.Handover.BotQueue = o.QueueID, o.BotQueue
	}
	switch o.Effect {
	case effectDone:
		tx.sent(j, x, o)
	case EffectRefused:
		tx.refused(x, o)
	case EffectNotPerformed:
		if x.Kind == KindOpen && !x.Unsure && x.Done == 0 && ours {
			tx.Handover.OpeningTriedAt, tx.Handover.TriedByHost = 0, false
		}
		tx.failed(x, o)
	case EffectAmbiguous:
		tx.markUnsure(x.Seq)
		if ours {
			tx.Handover.LastWriteAt = tx.Now
		}
		tx.wroteLate(x.Handover, "")
		tx.failed(x, o)
	case EffectPostponed:
		switch {
		case o.Err != nil:
			tx.failed(x, o)
		case ours:
			tx.Out.NotBefore = tx.Now.Add(machine.ReadPause)
		}
	}
}

// attempted returns the entry of a job in its present state, unless another process has settled it.
func (tx *Transaction) attempted(j *Job) (Entry, bool) {
	x := j.Head
	if w := tx.word(x.Seq); w != nil {
		if w.Done != x.Done || !w.pending() && (w.State != wordSent || !w.Again) {
			return x, false
		}
		if w.Message != nil { // otherwise later messages have displaced its content
			x = w.entry()
		}
		x.Handover = j.Head.Handover // its session may be over
		return x, true
	}
	if len(tx.Out.Entries) > 0 && tx.Out.Entries[0].Seq == x.Seq && tx.Out.Entries[0].Done == x.Done {
		return tx.Out.Entries[0], true
	}
	return x, false
}

// markUnsure notes that an attempt may have taken effect.
func (tx *Transaction) markUnsure(seq uint64) {
	switch w := tx.word(seq); {
	case w == nil:
		tx.Out.Entries[0].Unsure = true
	case w.State == WordWaiting:
		w.State = WordUnsure
	}
}

// settledLate handles an attempt of an entry that was settled or dropped before. It may have taken
// effect after the end of its session.
func (tx *Transaction) settledLate(j *Job, o Outcome) {
	x := j.Head
	switch ours := tx.Open() != nil && tx.Handover.ID == x.Handover; {
	case ours && o.Effect == effectDone:
		tx.namedLate(o.Conversation)
	case ours:
	case o.Effect == effectDone:
		tx.sentLate(j, x, o)
	case o.Effect == EffectAmbiguous:
		tx.wroteLate(x.Handover, "")
	}
}

// namedLate applies the conversation in the answer to an attempt that another one has followed. It
// may be the only answer that names a conversation. If the session has another one, both are read:
// the one that no agent is in is closed.
func (tx *Transaction) namedLate(id string) {
	switch c := tx.Handover; {
	case id == "" || id == c.ConversationID || id == c.MovedTo:
	case c.ConversationID == "":
		tx.Apply(machine.Event{Kind: machine.EvNamed, Conversation: id, Resumed: tx.wasIn(id)})
	default:
		tx.close(c, id, false)
		tx.readNext(c)
	}
}

// sentLate watches the conversation of a message that Genesys accepted after the end of its
// session. It closes another conversation, which that attempt has opened, for the same reason as
// the session ended.
func (tx *Transaction) sentLate(j *Job, x Entry, o Outcome) {
	tx.wroteLate(x.Handover, o.Conversation)
	if o.Conversation == "" || o.Conversation == tx.Handover.ConversationID {
		return
	}
	c := *j.Record.Handover
	switch p := tx.pastOf(x.Handover); {
	case tx.Handover.ID == x.Handover:
		c = *tx.Handover
	case p != nil: // another session has begun
		c.Session, c.OwnEnd = p.Session, p.OwnEnd
	default: // the host called Forget, which ended it
		c.OwnEnd = tx.genesysNow()
	}
	if c.ID != x.Handover { // two sessions have begun since
		c = machine.Handover{Session: tx.SessionOf(x.Handover), OwnEnd: c.OwnEnd}
	}
	c.From = x.from(j.Record.Handover)
	// An agent may still take the conversation if the session ended only because Genesys was late.
	failed := c.Ending.Reason == machine.EndFailed || c.Ending.Reason == machine.EndRefused
	tx.close(&c, o.Conversation, !c.OwnEnd.IsZero() && !failed)
	if w := tx.watching(o.Conversation); w != nil && !failed {
		w.EndedAt = machine.Later(w.EndedAt, c.OwnEnd)
	}
	// Only now the session has its conversation. A later opening may continue it without naming it.
	if p := tx.pastOf(x.Handover); p != nil {
		p.Session.ConversationID = cmp.Or(p.Session.ConversationID, o.Conversation)
	} else if tx.Handover.ID == x.Handover {
		tx.Handover.ConversationID = cmp.Or(tx.Handover.ConversationID, o.Conversation)
	}
}

// noteRequested notes what has happened to the session since the effect that has read was claimed:
// another read was requested, or the state changed. The clocks of processes differ, so times do not
// show that.
func (tx *Transaction) noteRequested(j *Job, r *Reading) {
	if c, was := tx.Handover, j.Record.Handover; r != nil && c != nil && was != nil && c.ID == was.ID {
		r.Requested = c.Requests != was.Requests || !c.Poll && (was.Poll || c.PollAt != was.PollAt)
		r.Outdated = c.ChangedAt != was.ChangedAt
	}
}

// settleRead applies the read that an effect made to its session. fetched reports that the effect
// has looked for missing messages before the end that the read shows.
func (tx *Transaction) settleRead(r *Reading, fetched bool) {
	if r == nil || tx.Open() == nil || r.Err != nil && !r.Blind && !r.Gone {
		return
	}
	tx.Apply(tx.EventOf(r))
	live := r.Standing.Phase == genesys.PhaseConnected || r.Standing.Phase == genesys.PhaseParked
	if c := tx.Open(); live && c != nil && c.State == machine.StateConnected && c.MovedTo == "" && !c.ConfirmedAt.Before(tx.Clock.Genesys(r.Began)) {
		// A read soon after our own write may be stale.
		tx.answered(r.genesysBegan().Add(-machine.SettlePeriod-machine.OffsetKnown), true)
	}
	if tx.Open() == nil && !fetched {
		tx.repairEnd(r)
	}
}

// sent notes that Genesys accepted a part.
func (tx *Transaction) sent(j *Job, x Entry, o Outcome) {
	open := tx.Handover.Open() && tx.Handover.ID == x.Handover
	tx.Out.Failures, tx.Out.NotBefore = 0, 0
	if open {
		tx.Handover.LastWriteAt = tx.Now
	}
	first := x.Done == 0
	// A repeat of the opening has opened a second conversation. An agent was in the first, so the
	// first is over.
	was := tx.Handover.ConversationID
	reopened := o.Conversation != "" && was != "" && o.Conversation != was && !tx.Handover.Connected.IsZero()
	if w := tx.word(x.Seq); w != nil {
		tx.took(w, x, o)
	} else if y := &tx.Out.Entries[0]; y.Done+1 >= y.parts() {
		tx.Out.remove(0)
	} else {
		y.Done, y.Attempts, y.Unsure = y.Done+1, 0, false
	}
	if open && x.Kind == KindOpen && first && !reopened {
		tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: o.Conversation, Resumed: tx.wasIn(o.Conversation)})
	}
	if x.Kind == KindContext && open && tx.Handover.State == machine.StateRequested {
		tx.continued(o.Conversation)
		return
	}
	switch {
	case !open:
		tx.sentLate(j, x, o)
	case o.Conversation == "" || o.Conversation == tx.Handover.ConversationID:
	case tx.Handover.ConversationID == "":
		tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: o.Conversation})
	default:
		tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: o.Conversation})
	}
}

// continued notes that Genesys accepted a part of the context. The transfer waits for that, so a
// read is due. If the answer names another conversation than that of the session, the one in the
// bot queue has ended and this part opened the next. Before its transfer, the session continues
// there.
func (tx *Transaction) continued(conversation string) {
	next := machine.Event{Kind: machine.EvNamed, Conversation: tx.Handover.ConversationID, Resumed: tx.Handover.Resumed}
	if conversation != "" && conversation != tx.Handover.ConversationID {
		next.Conversation, next.Resumed = conversation, tx.wasIn(conversation)
	}
	tx.Apply(next)
}

// took notes in the ledger that Genesys accepted a part of a word.
func (tx *Transaction) took(w *Word, x Entry, o Outcome) {
	if x.Kind == KindMessage && o.PlatformID != "" {
		tx.Sent = last(append(tx.Sent, sentID{Platform: o.PlatformID, Host: w.ID}), maxSent)
	}
	late := w.Handover != x.Handover // another session may have it now
	if late && w.Handover != "" && x.parts() > 1 {
		return // the agents of that session get all parts
	}
	w.Done, w.Attempts = w.Done+1, 0
	if w.State == WordUnsure {
		w.State = WordWaiting
	}
	if w.Done < x.parts() {
		return
	}
	// Nothing of it is left to send, unless another session has it: its agents get all of it.
	w.State, w.SentAt, w.Conversation, w.Done, w.First = wordSent, o.Accepted, o.Conversation, 0, 0
	if !late {
		w.Wire = 0
	}
	if w.SentAt.IsZero() {
		w.SentAt = tx.genesysNow().Add(machine.OffsetKnown)
	}
	// Another session may have begun during the attempt. The answer of Genesys should name the
	// conversation; for a reply to a quick reply or a card it never does.
	conversation := tx.SessionOf(x.Handover).ConversationID
	if w.Unplaced = o.Conversation == "" && conversation != "" && x.Kind != KindReply; w.Conversation == "" && !w.Unplaced {
		w.Conversation = conversation
	}
	w.Again = late
	tx.trim()
}

// wasIn reports whether an earlier handover used the conversation.
func (tx *Transaction) wasIn(conversation string) bool { return tx.pastIn(conversation) != nil }

// refused notes that Genesys will never accept the entry. The lane continues.
func (tx *Transaction) refused(x Entry, o Outcome) {
	why := Explain(o.Err)
	tx.Out.Failures, tx.Out.NotBefore = 0, 0
	w := tx.word(x.Seq)
	switch {
	case w != nil:
		w.State, w.Reason = wordRefused, why
		tx.MessageFailed(w.ID, why)
		if w.Message == nil { // it cannot be returned
			tx.Words = slices.DeleteFunc(tx.Words, func(w Word) bool { return w.Seq == x.Seq })
		}
		tx.trim()
		return
	case x.Kind == KindOpen && x.Done == 0 && x.Handover == tx.Handover.ID:
		tx.Out.remove(0)
		tx.Apply(machine.Event{Kind: machine.EvRefused, Code: cmp.Or(o.Code, machine.CodeRejected), Detail: why})
	default:
		tx.Out.remove(0)
		tx.MessageFailed("", "a part of the opening was refused: "+why)
	}
}

// failed schedules the next attempt. Beyond its age limit, the entry and its session fail. The
// failure of an entry of an earlier session does not delay those of the open one.
func (tx *Transaction) failed(x Entry, o Outcome) {
	ours := tx.Open() != nil && x.Handover == tx.Handover.ID
	counts := !postponed(o.Err)
	since := machine.Later(x.At, x.First) // the wait before its first attempt does not count
	if counts {
		x.Attempts++
		if w := tx.word(x.Seq); w != nil {
			w.Attempts = x.Attempts
		} else {
			tx.Out.Entries[0].Attempts = x.Attempts
		}
		tx.logRetry(&x, Explain(o.Err))
	}
	if !ours {
		return
	}
	tx.Out.Failures++
	tx.Out.NotBefore = tx.backoff(tx.Out.Failures, o)
	// An agent who is in the conversation proves that it was opened.
	opening := x.opens() && x.Done == 0 && tx.Handover.Connected.IsZero()
	if last := since.Add(machine.OpeningAge); opening && tx.Out.NotBefore.After(last) {
		// Then it is dropped, even if Genesys requests a longer wait.
		tx.Out.NotBefore = machine.Later(last, tx.Now)
	}
	switch {
	case x.opens() && x.Done == 0 && !x.Unsure && Forbidden(o.Err) && x.Attempts >= 3:
		tx.Out.remove(0)
		code, detail := machine.CodePermission, Explain(o.Err)
		if noIntegration(o.Err) {
			code = machine.CodeIntegration
			detail = "Genesys does not know the integration: check Channel.IntegrationID and Channel.Region, and that the integration " +
				"was not deleted (docs/setup.md#step-4): " + detail
		}
		tx.Apply(machine.Event{Kind: machine.EvRefused, Code: code, Detail: detail})
	case opening && tx.Now.Sub(since) >= machine.OpeningAge:
		detail := "Genesys sent no definite answer to the opening: " + Explain(o.Err)
		if x.Unsure {
			detail += "; a conversation may stand in the bot queue"
		}
		tx.Out.remove(0)
		tx.Apply(machine.Event{Kind: machine.EvFailed, Code: machine.CodeNoAnswer, Detail: detail})
	case tx.Now.Sub(since) >= machine.MessageAge:
		tx.Apply(machine.Event{Kind: machine.EvFailed, Code: machine.CodeNoAnswer, Detail: "Genesys accepted no message for 15 minutes: " + Explain(o.Err)})
	}
}

// How long the host may fail.
const (
	deliveryAge = 2 * time.Minute
	// A notice blocks the lane that long, then it moves behind other entries.
	noticeBlock = time.Minute
	noticeAge   = 24 * time.Hour
	returnAge   = 7 * 24 * time.Hour // Returns, and the notice of the end
)

// SettleIn stores the outcome of the head of the lane to the host.
func (tx *Transaction) SettleIn(j *Job, o Outcome) {
	seq := j.Head.Seq
	if len(tx.In.Entries) == 0 || tx.In.Entries[0].Seq != seq {
		return // settled before
	}
	if o.Err != nil && tx.In.busy(tx.Now) && tx.In.Lease.N != j.Lease.N {
		return // another worker has begun it again: that attempt decides
	}
	x := &tx.In.Entries[0]
	if x.Delivery != nil {
		tx.Given = machine.Later(tx.Given, x.Delivery.Time)
	}
	if x.Delivery != nil && x.Delivery.Verdict != nil {
		tx.concluded(0, *x.Delivery.Verdict, o.Receipted)
		return
	}
	switch {
	case o.Pending:
		tx.pend(x.Delivery.ID)
	case o.Receipted:
		tx.ReceivedIDs.finish(x.Delivery.ID)
	case o.Receipt != nil:
		tx.ReceivedIDs.finish(x.Delivery.ID)
		tx.receipt(*o.Receipt)
	}
	if o.Err == nil {
		tx.done()
		return
	}
	if o.Effect == EffectNotPerformed { // it could not begin in time
		x.NotBefore = tx.backoff(1, o)
		if x.Kind == KindReturn && !j.Head.Unsure && tx.Held {
			tx.unfreeze(x)
		}
		return
	}
	x.Attempts++
	tx.logRetry(x, "the host did not take it")
	if x.First.IsZero() {
		x.First = tx.Now
	}
	x.NotBefore = tx.hostBackoff(x, o)
	switch x.Kind {
	case KindDelivery:
		tx.deliveryFailed(x, o)
	default:
		tx.hostRefused(x)
	}
}

func (tx *Transaction) done() {
	x := tx.In.remove(0)
	if x.Kind != KindReturn {
		return
	}
	tx.removeWords(x.Seq)
	tx.AddLog("given back to the bot", "")
	if tx.Notify {
		n := Notice{Kind: machine.NoticeReturned, Time: tx.Now, Session: *x.Session}
		tx.In.Push(Entry{Seq: tx.NextSeq(), Kind: KindNotice, At: tx.Now, Handover: x.Handover, Notice: &n})
	}
}

func (tx *Transaction) deliveryFailed(x *Entry, o Outcome) {
	code := openmessaging.ReasonGeneralError
	if u, ok := errors.AsType[*UndeliverableError](o.Err); ok {
		code = u.code
	} else if tx.Now.Sub(x.First) < deliveryAge {
		return
	}
	tx.concluded(0, VerdictOf{Status: openmessaging.StatusFailed, Code: code}, false)
}

// hostRefused handles a failed notice or Return. It is retried for long, but it blocks the agent's
// messages for a minute at most.
func (tx *Transaction) hostRefused(x *Entry) {
	limit := noticeAge
	if x.Kind == KindReturn || x.Notice.Kind == machine.NoticeEnded {
		limit = returnAge
	}
	switch {
	case tx.Now.Sub(x.At) >= limit:
		tx.AddLog("given up, the host did not take it", x.Kind.Words())
		tx.GivenUp = x.Kind
		if x.Kind == KindReturn {
			tx.notReturned(x.Seq)
		}
		tx.removeWords(tx.In.remove(0).Seq)
	case tx.Now.Sub(x.First) >= noticeBlock:
		tx.moveBack()
	default:
		x.NotBefore = machine.Earlier(x.NotBefore, x.First.Add(noticeBlock))
	}
}

// notReturned adds a notice for each message of a Return that is dropped.
func (tx *Transaction) notReturned(seq uint64) {
	const detail = "the host has not accepted the Return for 7 days, so it is given up"
	list := tx.Unanswered(seq)
	for _, u := range list {
		tx.MessageFailed(u.ID, detail)
	}
	if len(list) == 0 {
		tx.MessageFailed("", detail)
	}
}

// returnPause is the longest pause between two attempts of a Return.
const returnPause = time.Hour

// hostBackoff returns when to retry an entry. A Return without later entries is retried less and
// less often, until it is dropped.
func (tx *Transaction) hostBackoff(x *Entry, o Outcome) machine.Time {
	if x.Kind != KindReturn || len(tx.In.Entries) > 1 {
		return tx.backoff(x.Attempts, o)
	}
	d := BackoffFirst << min(max(x.Attempts-1, 0), 13)
	return machine.Earlier(tx.Now.Add(tx.Jitter(min(d, returnPause))), machine.Later(tx.Now, x.At.Add(returnAge)))
}

// hasten retries a Return early once another entry waits behind it.
func (tx *Transaction) hasten() {
	if len(tx.In.Entries) < 2 || tx.In.busy(tx.Now) {
		return
	}
	head := &tx.In.Entries[0]
	if head.Kind != KindReturn || head.Attempts == 0 || !head.NotBefore.After(tx.Now.Add(backoffLast)) {
		return
	}
	head.NotBefore = tx.Now
	if tx.Now.Sub(head.First) >= noticeBlock {
		tx.moveBack()
	}
}

// moveBack moves the head behind other entries, together with the adjacent entries of its kind,
// which would fail, too. Notices keep their order, unless only notices wait; Returns always do.
func (tx *Transaction) moveBack() {
	kind := tx.In.Entries[0].Kind
	other := slices.IndexFunc(tx.In.Entries, func(x Entry) bool { return x.Kind != kind })
	switch {
	case other < 0 && kind == KindReturn:
		return
	case other < 0:
		other = 1
	}
	moved := make([]Entry, other)
	for i := range moved {
		moved[i] = tx.In.remove(0)
	}
	to := len(tx.In.Entries)
	if kind == KindReturn {
		if next := slices.IndexFunc(tx.In.Entries, func(x Entry) bool { return x.Kind == kind }); next >= 0 {
			to = next
		}
	}
	for i, x := range moved {
		tx.In.insert(to+i, x)
	}
}

// StuckTime is how long a callback that ignores its context blocks its lane, from its lease.
const StuckTime = time.Minute

// ErrStuck is the outcome of a callback that ignores its context.
var ErrStuck = errors.New("handover: the callback has not returned after the end of its context")

// StuckUntil returns until when the callback of a job blocks its lane if it ignores its context.
func (j *Job) StuckUntil() machine.Time { return machine.TimeOf(j.Began.Add(StuckTime)) }

// SettleStuck blocks the lane to the host while a callback that ignores its context runs. Its
// outcome counts as a failure. If the callback returns later, settleLate stores its outcome.
func (tx *Transaction) SettleStuck(j *Job, o Outcome) {
	if errors.Is(o.Err, ErrStuck) && !j.Returned.Load() {
		tx.In.Stuck = j.StuckUntil()
	}
}

// Heads reports whether the entry with a seq is the head of the lane.
func (l *lane) Heads(seq uint64) bool { return len(l.Entries) > 0 && l.Entries[0].Seq == seq }

// A WaitError reports that nothing was sent, and how long to wait before the next attempt.
type WaitError struct {
	After time.Duration
	Why   string
}

func (e *WaitError) Error() string { return fmt.Sprintf("handover: not sent: %s", e.Why) }

// APIError returns the answer of Genesys that an error contains.
func APIError(err error) (*genesys.Error, bool) { return errors.AsType[*genesys.Error](err) }

// ChannelFault reports whether an error is a fault of the channel (credentials, permissions,
// network, Genesys itself) and not of the single request. Such a fault counts for the breaker,
// never against a message.
func ChannelFault(err error) bool {
	if err == nil {
		return false
	}
	if _, waits := errors.AsType[*WaitError](err); waits {
		return false
	}
	e, answered := APIError(err)
	if !answered { // an error of the client, such as a missing queue, is no fault of the channel
		return genesys.EffectOf(err) != genesys.EffectNone ||
			errors.Is(err, genesys.ErrUnavailable) || errors.Is(err, context.Canceled)
	}
	switch e.StatusCode {
	case http.StatusBadRequest:
		return errors.Is(err, genesys.ErrUnauthorized) // from the token endpoint
	case http.StatusOK, // Genesys did not accept a receipt
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusConflict:
		return false
	case http.StatusForbidden, http.StatusNotFound:
		// Of the integration, unless it is that of one conversation.
		return !strings.HasPrefix(e.Op, "conversations.")
	default:
		return true
	}
}

// Judged returns the outcome of a POST that failed with err.
func Judged(err error) Outcome {
	o := Outcome{Err: err}
	if w, ok := errors.AsType[*WaitError](err); ok {
		o.Effect, o.ChannelFault, o.RetryAfter = EffectNotPerformed, true, w.After
		return o
	}
	o.ChannelFault = ChannelFault(err)
	e, answered := APIError(err)
	if answered {
		if o.RetryAfter = min(e.RetryAfter, backoffLast); e.StatusCode == http.StatusTooManyRequests {
			o.RetryAfter = LimitedWait(e)
		}
	}
	switch effect := genesys.EffectOf(err); {
	case effect != genesys.EffectNone && effect != genesys.EffectRefused:
		o.Effect = EffectAmbiguous
	case o.ChannelFault || answered && effect == genesys.EffectNone:
		o.Effect = EffectNotPerformed
	default:
		o.Effect = EffectRefused
	}
	return o
}

// postponed reports whether err is not an attempt: nothing was sent, or Genesys answered 429.
func postponed(err error) bool {
	_, waits := errors.AsType[*WaitError](err)
	e, answered := APIError(err)
	return waits || answered && e.StatusCode == http.StatusTooManyRequests
}

// Forbidden reports whether a permission, or the integration itself, is missing.
func Forbidden(err error) bool {
	return errors.Is(err, genesys.ErrForbidden) || errors.Is(err, genesys.ErrNotFound)
}

// noIntegration reports whether Genesys answered that the integration does not exist.
func noIntegration(err error) bool {
	e, answered := APIError(err)
	return answered && e.StatusCode == http.StatusNotFound && strings.HasPrefix(e.Op, "openmessaging.")
}

// missing returns the permissions that an error names as missing.
func missing(err error) string {
	if e, ok := APIError(err); ok {
		return strings.Join(e.MissingPermissions, ", ")
	}
	return ""
}

// Explain returns a text about err for people. It contains no content of a message.
func Explain(err error) string {
	e, answered := APIError(err)
	switch p := missing(err); {
	case p != "":
		return "missing permission: " + p
	case answered:
		return e.Error()
	case errors.Is(err, ErrNoChannel):
		return "Config.Channels does not know the channel"
	case errors.Is(err, ErrNoQueue):
		return err.Error() // with the nearest names
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	default:
		return "not reachable"
	}
}

// LimitedMost is the longest wait after a 429. Then one request tests whether it is over.
const LimitedMost = 2 * time.Minute

// LimitedWait returns how long to wait after a 429: the time that Genesys requests plus a second,
// and at most LimitedMost, because one wrong answer must not block an account for days.
func LimitedWait(e *genesys.Error) time.Duration {
	return min(max(e.RetryAfter, 0)+LimitedPause, LimitedMost)
}
