package engine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
)

// read is one that began so long after noon, and is applied at once.
func readAt(after time.Duration, p genesys.Phase, with ...func(*genesys.Standing)) (machine.Event, time.Time) {
	e := machinetest.Shows(p, with...)
	e.Began = noon().Add(after)
	return e, e.Began
}
