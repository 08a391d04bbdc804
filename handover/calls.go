package handover

import (
	"context"
	"iter"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Forward passes a customer's message to the side that has the turn. Call it for every message,
// before the bot processes it.
//
// TurnAgent: the message is stored. It is on its way to the agents, or a later [Return] contains
// it. The bot must not answer it now. TurnBot: nothing is stored and the bot answers the message;
// send the bot's answer with [Manager.Reply].
//
// While a Return is awaited or runs, the message is stored for the next Return and the answer is
// TurnAgent. In three cases nothing is stored:
//   - a repeat of a message that was stored: the answer is TurnAgent again;
//   - a message whose id is a Line.ID in the transcript of a request: the answer is that of
//     [Manager.Turn];
//   - a message that a Return passed to the host, unless an agent session is open or a Return is
//     awaited: the bot has the message and the answer is TurnAgent. Otherwise it is stored like a
//     new message, and a repeat of the Return omits it.
//
// Messages of one customer are stored in the order of their calls. Forward validates only the
// messages that it stores, so it accepts any message that only the bot receives.
//
// Errors: ErrInvalid (with an unusable key ErrNoChannel as well), ErrBacklog if too many messages
// wait for Genesys, ErrBusy, and the error of the Store. After an error there is no turn: the bot
// must not answer, and the same call may be repeated. After an error of the Store the message may
// be stored; the repeat finds it.
//
// If ctx ends, Forward finishes what it has begun, so that a message is stored completely or not at
// all. Forward runs no callback and sends no request; the message is sent to Genesys after Forward
// has returned.
func (m *Manager) Forward(ctx context.Context, k Key, msg Message) (Turn, error) {
	turn, err := m.engine.Forward(ctx, k.internal(), msg.internal())
	return Turn(turn), err
}

// Reply sends the bot's answer to a message, if the bot still has the turn. The message is one for
// which Forward answered TurnBot, or one of Return.Unanswered. Reply checks the turn and stores the
// message in one step, because with [Manager.Turn] and [Manager.Forward] as two calls the turn may
// change between them.
//
// TurnBot: the bot has the turn, and Reply has called say with ctx. say sends the answer to the
// customer. Reply returns the error of say, wrapped for errors.Is, together with TurnBot.
//
// TurnAgent: the agents have the turn, and say was not called: drop the bot's answer. Reply has
// passed the message on as Forward does. It is not stored a second time if Forward or Reply stored
// it before, or if its id is a Line.ID in the transcript of a request. A message that Forward or
// Reply has stored belongs to the agents until a Return contains it; until then the answer is
// TurnAgent.
//
// While a Return runs, the bot has the turn and may reply to the messages of the Return.
//
// say runs in the caller's goroutine, outside of every lock, at most once. It may call any method
// of the Manager, also for k. A panic in say is not recovered. An agent who joins between the check
// and say may see the bot's answer reach the customer after the agent's first message. Reply does
// not limit how long say runs.
//
// Errors: those of Forward, and ErrInvalid if say is nil. Reply validates the message only if it
// stores it.
//
// If ctx ends, Reply finishes what it has begun: the message may be stored, and say is called even
// if ctx ended during the check or before the call. say decides whether to send the answer then.
func (m *Manager) Reply(ctx context.Context, k Key, to Message, say func(ctx context.Context) error) (Turn, error) {
	turn, err := m.engine.Reply(ctx, k.internal(), to.internal(), say)
	return Turn(turn), err
}

// Turn returns who may speak to the customer now. Call it before the bot sends a line that is not
// an answer to a message; for an answer use [Manager.Reply].
//
// The answer is TurnAgent while an agent session is open, and from the end of a session until its
// Return begins. Otherwise it is TurnBot. Turn always reads the Store, so its answer is as current
// as the Store's Get. It changes nothing.
//
// Errors: ErrInvalid (with an unusable key ErrNoChannel as well), what the Store returned, and that
// of ctx.
func (m *Manager) Turn(ctx context.Context, k Key) (Turn, error) {
	turn, err := m.engine.Turn(ctx, k.internal())
	return Turn(turn), err
}

// HandOver requests an agent. It composes and stores the opening and returns; Run sends the
// opening afterwards. After an Open it sends the texts and attributes of r to the conversation
// that Open created, and then transfers that conversation. If a session already waits for an
// agent or has one, HandOver changes nothing and returns that session. If a session is ending,
// that session ends at once and a new one begins. A call with an r.ID that was used before
// returns the session of the first call and composes nothing.
//
// If the id of a message is the Line.ID of a customer's line in r, Forward and Reply do not
// store it.
//
// Errors: ErrInvalid for a request that can never be accepted (the text names the field, the
// limit and the fix). The error is also ErrNoQueue for a wrong queue name, with the nearest
// names. Further errors: ErrBusy, ErrNoChannel, a *genesys.Error if the permission to look up
// the queue is missing, and errors of Config.Compose, Config.Channels and the Store. If Genesys
// cannot be reached, the request is stored and the queue is looked up later.
//
// HandOver runs Config.Compose and, if the channel is not in memory, Config.Channels in the
// caller's goroutine, before it stores anything. If ctx ends while Config.Channels runs,
// HandOver returns the error of ctx and stores nothing. If ctx ends later, the request is
// stored anyway. If the outcome of a call is unknown, repeat it with the same r.ID.
func (m *Manager) HandOver(ctx context.Context, k Key, r Request) (Session, error) {
	s, err := m.engine.HandOver(ctx, k.internal(), r.internal())
	return sessionOf(s), err
}

// Open puts the conversation into the bot queue while the bot still answers. A later HandOver
// then only transfers it. If a session is open, Open changes nothing and returns that session;
// a session that is ending is replaced, as by HandOver. Errors, callbacks and the end of ctx
// are as for [Manager.HandOver].
func (m *Manager) Open(ctx context.Context, k Key, r Request) (Session, error) {
	s, err := m.engine.Open(ctx, k.internal(), r.internal())
	return sessionOf(s), err
}

// End requests the end of the session and returns when that is stored. Messages that wait for
// the agent are still sent, for at most 10 seconds. Without an open session, or if the session
// is already ending, End changes nothing and returns nil, so a repeat is safe.
//
// Errors: ErrInvalid for an unknown reason or an unusable key, ErrNoChannel, ErrBusy, and
// errors of the Store. The end of ctx does not stop a change that is being stored. End runs no
// callback; Run calls Return and Notify later.
func (m *Manager) End(ctx context.Context, k Key, reason EndReason) error {
	return m.engine.End(ctx, k.internal(), machine.EndReason(reason))
}

// Session returns the open session of a customer or, if none is open, the last one. It returns
// ErrNotFound if the customer never had a session. Other errors: ErrInvalid for an unusable
// key, ErrNoChannel, and errors of the Store. It only reads the Store, and returns early when
// ctx ends.
func (m *Manager) Session(ctx context.Context, k Key) (Session, error) {
	s, err := m.engine.Session(ctx, k.internal())
	return sessionOf(s), err
}

// Sessions returns an iterator over the customers of a channel: the open session of each, or
// the last one. An empty channel means every channel. It reads the Store while it iterates.
// After an error of the Store or of ctx it yields that error and stops. Records that it cannot
// decode are logged and skipped.
func (m *Manager) Sessions(ctx context.Context, channel string) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		for s, err := range m.engine.Sessions(ctx, channel) {
			if !yield(sessionOf(s), err) {
				return
			}
		}
	}
}

// Forget removes everything stored about a customer. It first ends an open session, as the
// customer. It drops the customer's messages and the notices at once. It removes the rest when
// Genesys has confirmed the end and the host has taken the Return. The record stays until
// accepted messages of agents are delivered, requests in progress to Genesys have an outcome,
// and a running callback has returned.
//
// Errors: ErrInvalid for an unusable key, ErrNoChannel, ErrBusy, and errors of the Store. Once
// the change is being stored, the end of ctx does not stop it. Forget runs no callback; Run
// calls Deliver and Return later.
func (m *Manager) Forget(ctx context.Context, k Key) error {
	return m.engine.Forget(ctx, k.internal())
}

// Typing shows the agent that the customer is typing. It sends at most one request per customer
// in 5 seconds. It does nothing without an agent session, while the session is ending, while
// messages of the customer wait to be sent, or while the rate limit is nearly used up. It
// stores nothing and ignores errors of Genesys.
//
// Errors: ErrInvalid for an unusable key, ErrNoChannel, and errors of the Store and of
// Config.Channels. Typing sends the request before it returns. The request takes at most
// 2 seconds and ends with ctx.
func (m *Manager) Typing(ctx context.Context, k Key) error {
	return m.engine.Typing(ctx, k.internal())
}

// Explain describes a customer's open or last session as text for troubleshooting: its state,
// what happened and why, what waits and how often it was tried, and what follows and when.
// Times are UTC, by the clocks of the replicas. The text contains no message, no customer id
// and no secret. It does contain the names of agents and queues. The wording changes between
// releases, so do not parse it: programs use [Manager.Session].
//
// It covers the last 64 steps and three earlier sessions. Errors: ErrInvalid for an unusable
// key, ErrNotFound if nothing is stored for the customer, ErrNoChannel, and errors of the
// Store. Safe for concurrent use. It changes nothing.
func (m *Manager) Explain(ctx context.Context, k Key) (string, error) {
	return m.engine.Explain(ctx, k.internal())
}
