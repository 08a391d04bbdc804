package account

import (
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Clock returns the offset as it is measured now.
func (a *Account) Clock() machine.Clock {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	ahead, within, known := a.Offset.Get()
	return machine.Clock{Ahead: ahead, Within: within, Unmeasured: !known}
}
