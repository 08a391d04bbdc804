package engine

import (
	"context"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Explain describes a customer's open or last session as text for troubleshooting: its state, what
// happened and why, what waits and how often it was tried, and what follows and when.
func (m *Manager) Explain(ctx context.Context, k machine.Key) (string, error) {
	k, err := m.key(k)
	if err != nil {
		return "", err
	}
	f, err := m.stored(ctx, k)
	if err != nil {
		return "", err
	}
	return f.Explain(k.Channel, m.Now()), nil
}
