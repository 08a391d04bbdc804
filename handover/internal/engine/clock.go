package engine

import (
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// clockOf returns the offset of a channel's account, if this process has used the channel before.
// It makes no lookup, so a transaction may call it.
func (m *Manager) clockOf(channel string) machine.Clock {
	m.channels.mu.Lock()
	k := m.channels.known[channel]
	m.channels.mu.Unlock()
	if k == nil {
		return machine.Clock{Unmeasured: true}
	}
	return k.account.Clock()
}
