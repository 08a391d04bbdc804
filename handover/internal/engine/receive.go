package engine

import (
	"context"
	"log/slog"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// Receive accepts a post of Genesys; it is a webhook.HandlerFunc.
func (m *Manager) Receive(ctx context.Context, n webhook.Notification) error {
	began := m.Now()
	op, err := m.receive(context.WithoutCancel(ctx), n)
	m.observe(ctx, op, n.Channel, began, err)
	if op == OpReceiveTyping {
		return nil
	}
	return err
}

func (m *Manager) receive(ctx context.Context, n webhook.Notification) (op string, err error) {
	o := &n.Outbound
	o.Time = asStored(o.Time)
	if o.CustomerID == "" {
		m.log.Warn("webhook without a customer", slog.String("channel", n.Channel))
		return OpReceiveUnknown, nil
	}
	switch body := o.Body.(type) {
	case openmessaging.Message:
		return OpReceiveMessage, m.receiveMessage(ctx, n.Channel, o, body)
	case openmessaging.Typing:
		return OpReceiveTyping, m.receiveTyping(ctx, n.Channel, o, body)
	case openmessaging.Receipt:
		return OpReceiveReceipt, m.receiveReceipt(ctx, n.Channel, o, body)
	case openmessaging.UnknownBody:
		m.log.Info("webhook of an unknown kind", slog.String("channel", n.Channel), slog.String("kind", body.Kind[:min(len(body.Kind), 32)]))
		return OpReceiveUnknown, nil
	default:
		return OpReceiveUnknown, nil
	}
}

func (m *Manager) receiveMessage(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Message) error {
	replayed := false
	err := m.acceptFor(ctx, channel, o, true, func(tx *record.Transaction) error {
		replayed = false
		if tx.ReceivedIDs.Recall(o.ID) != record.UnknownID && o.ID != "" {
			return record.ErrUnchanged
		}
		if replayed = tx.Replays(o); replayed {
			return record.ErrUnchanged
		}
		tx.Touched = tx.Now
		if o.ID != "" {
			tx.ReceivedIDs.RememberOf(o.ID, record.ReceivedID, tx.Addressee(o.CustomerID), tx.Now)
		}
		tx.AcceptMessage(o, body, tx.MessageArrived(o))
		tx.Reached(o)
		return nil
	})
	if replayed {
		m.observe(ctx, OpReplay, channel, m.Now(), nil)
		m.log.Warn("webhook is a replay: older than 15 minutes and unknown", slog.String("channel", channel))
	}
	return err
}

// receiveTyping reports to the host that an agent is typing. A typing event is not worth a retry,
// so only the Observer gets the error.
func (m *Manager) receiveTyping(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Typing) error {
	if m.config.Typing == nil {
		return nil
	}
	for _, k := range m.keysOf(ctx, channel, o) {
		f, err := m.stored(ctx, k)
		if err != nil {
			continue
		}
		if tx := (&record.Transaction{Record: f, Key: k, Now: m.Now(), Clock: m.clockOf(k.Channel)}); f.Open() != nil && tx.OfCurrentSession(o) {
			begins := func() bool { return true }
			err := m.bounded(ctx, callTyping, k.Channel, m.Now().Add(typingTime), begins, func(ctx context.Context) error {
				m.config.Typing(ctx, record.TypingEvent{Session: f.Handover.Session, Duration: body.Duration})
				return nil
			}, nil)
			if n := m.failures.count(callTyping, k.Channel, err); n > 0 {
				m.callFailed(ctx, callTyping, k, n, err)
			}
			return err
		}
		return nil
	}
	return nil
}

// receiveReceipt applies a receipt for a message of ours. Only a failure matters.
func (m *Manager) receiveReceipt(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Receipt) error {
	if body.Status != openmessaging.StatusFailed {
		return nil
	}
	return m.acceptFor(ctx, channel, o, false, func(tx *record.Transaction) error {
		key := "receipt " + body.MessageID // a receipt has the id of its message
		if tx.ReceivedIDs.Recall(key) != record.UnknownID {
			return record.ErrUnchanged
		}
		tx.ReceivedIDs.Remember(key, record.ReceivedID, tx.Now)
		tx.AddLog(record.SaidFailed, "")
		tx.Notice(record.Notice{
			Kind: machine.NoticeMessageFailed, MessageID: tx.HostIDOf(body.MessageID), Detail: "Genesys could not deliver a message to the agent",
		})
		return nil
	})
}
