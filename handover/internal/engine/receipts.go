package engine

import (
	"context"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// Delivered reports that a message for which Deliver returned [record.Pending] has reached the
// customer.
func (m *Manager) Delivered(ctx context.Context, k machine.Key, deliveryID string) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	ch, err := m.channel(ctx, k.Channel)
	if err != nil {
		return err
	}
	o := record.VerdictOf{Status: openmessaging.StatusDelivered, Silent: ch.channel.Receipts != ReceiptsAll}
	return m.conclude(ctx, k, deliveryID, o)
}

// Fail reports that the customer's channel refused a message: one for which Deliver returned
// [record.Pending], or one that it had accepted.
func (m *Manager) Fail(ctx context.Context, k machine.Key, deliveryID string, code openmessaging.ReasonCode) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	return m.conclude(ctx, k, deliveryID, record.VerdictOf{Status: openmessaging.StatusFailed, Code: code})
}

func (m *Manager) conclude(ctx context.Context, k machine.Key, id string, v record.VerdictOf) error {
	_, err := m.accept(context.WithoutCancel(ctx), k, func(tx *record.Transaction) error {
		if tx.Fresh || !tx.Conclude(id, v) {
			return record.ErrUnchanged
		}
		return nil
	})
	return err
}
