package handover

import (
	"context"
	"errors"
)

// Forward gives a customer's message to whoever has the conversation. TurnAgent: it is stored and on its way to the agent, or
// it will come back in a Return; the bot must not answer. TurnBot: nothing was stored, the bot answers it; ask [Manager.Turn]
// before the answer goes out. A repeat of a stored message gives the same answer and stores nothing.
//
// Errors: a message Genesys would refuse (the error names field, limit and fix), ErrBacklog when too much waits for Genesys
// (nothing is stored, and the bot must not answer), ErrBusy, ErrNoChannel, and what the Store returned.
func (m *Manager) Forward(ctx context.Context, k Key, msg Message) (Turn, error) {
	began := m.now()
	turn, err := m.forward(ctx, k, msg)
	m.observe(ctx, "forward", began, err)
	return turn, err
}

func (m *Manager) forward(ctx context.Context, k Key, msg Message) (Turn, error) {
	k, err := m.key(k)
	if err != nil {
		return "", err
	}
	if err := msg.validate(); err != nil {
		return "", err
	}
	turn := TurnBot
	_, err = m.accept(context.WithoutCancel(ctx), k, func(e *edit) (err error) {
		turn, err = e.forward(msg)
		return err
	})
	if err != nil {
		return "", err
	}
	return turn, nil
}

func (e *edit) forward(msg Message) (Turn, error) {
	if e.Said.recall(msg.ID) == toAgent {
		return TurnAgent, errUnchanged
	}
	c := e.open()
	switch {
	case c != nil && c.Turn() == TurnAgent && c.State != StateEnding:
		if e.Out.full(outEntries, outBytes, sizeOf(msg)) {
			return "", ErrBacklog
		}
		e.queue(msg)
	case c != nil && c.State == StateEnding, c == nil && e.returns():
		if len(e.Held) >= outEntries || e.heldBytes()+sizeOf(msg) > outBytes || e.In.Bytes+sizeOf(msg) > inBytes {
			return "", ErrBacklog
		}
		e.hold(Unanswered{Message: msg}, e.next())
	default:
		return TurnBot, errUnchanged
	}
	e.Said.remember(msg.ID, toAgent, e.now)
	return TurnAgent, nil
}

// sizeOf is what a message takes in the record.
func sizeOf(m Message) int { return entry{Message: &m}.measured().Size }

// heldBytes is what waits for a Return that is not in the lane yet.
func (f *file) heldBytes() (n int) {
	for _, h := range f.Held {
		n += sizeOf(h.Unanswered.Message)
	}
	return n
}

// Turn says who may speak now. Ask before the bot's answer goes out: an agent may have come while it was thinking. From the
// end of a handover until its Return begins it is still TurnAgent.
func (m *Manager) Turn(ctx context.Context, k Key) (Turn, error) {
	k, err := m.key(k)
	if err != nil {
		return "", err
	}
	f, err := m.file(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return TurnBot, nil
	}
	if err != nil {
		return "", err
	}
	return f.turn(m.now()), nil
}
