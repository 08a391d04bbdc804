package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// Forward passes a customer's message to the side that has the turn.
func (m *Manager) Forward(ctx context.Context, k machine.Key, msg record.Message) (machine.Turn, error) {
	return m.decide(ctx, OpForward, k, func(tx *record.Transaction) (machine.Turn, error) { return tx.Forward(msg) })
}

// Reply sends the bot's answer to a message, if the bot still has the turn.
func (m *Manager) Reply(ctx context.Context, k machine.Key, to record.Message, say func(ctx context.Context) error) (machine.Turn, error) {
	if say == nil {
		return "", machine.Invalidf("handover: Reply: say is nil: pass the function that sends the bot's answer")
	}
	turn, err := m.decide(ctx, OpReply, k, func(tx *record.Transaction) (machine.Turn, error) { return tx.Reply(to) })
	if err != nil || turn != machine.TurnBot {
		return turn, err
	}
	if err := say(ctx); err != nil {
		return machine.TurnBot, fmt.Errorf("handover: Reply: say: %w", err)
	}
	return machine.TurnBot, nil
}

// decide runs a transaction that decides the turn of a message.
func (m *Manager) decide(ctx context.Context, op string, k machine.Key, fn func(*record.Transaction) (machine.Turn, error)) (machine.Turn, error) {
	began := m.Now()
	turn, err := m.decideTurn(ctx, k, fn)
	m.observe(ctx, op, k.Channel, began, err)
	return turn, err
}

func (m *Manager) decideTurn(ctx context.Context, k machine.Key, fn func(*record.Transaction) (machine.Turn, error)) (machine.Turn, error) {
	k, err := m.key(k)
	if err != nil {
		return "", err
	}
	var turn machine.Turn
	_, err = m.accept(context.WithoutCancel(ctx), k, func(tx *record.Transaction) (err error) {
		turn, err = fn(tx)
		return err
	})
	if err != nil {
		return "", err
	}
	return turn, nil
}

// Turn returns who may speak to the customer now.
func (m *Manager) Turn(ctx context.Context, k machine.Key) (machine.Turn, error) {
	k, err := m.key(k)
	if err != nil {
		return "", err
	}
	f, err := m.stored(ctx, k)
	if errors.Is(err, record.ErrNotFound) {
		return machine.TurnBot, nil
	}
	if err != nil {
		return "", err
	}
	return f.Turn(m.Now()), nil
}
