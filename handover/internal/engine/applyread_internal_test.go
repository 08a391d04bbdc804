package engine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
)

// readAt returns a read that began the given time after noon and is applied at once.
func readAt(after time.Duration, p genesys.Phase, with ...func(*genesys.Standing)) (machine.Event, time.Time) {
	e := machinetest.Shows(p, with...)
	e.Began = noon().Add(after)
	return e, e.Began.Std()
}
