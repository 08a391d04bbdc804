package engine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
)

func noon() machine.Time { return machinetest.Noon() }

func ago(d time.Duration) machine.Time { return machinetest.Ago(d) }

func recordKey() machine.Key { return machine.Key{Channel: "shop", Customer: "customer"} }

// readAt returns a read that began the given time after noon and is applied at once.
func readAt(after time.Duration, p genesys.Phase, with ...func(*genesys.Standing)) (machine.Event, time.Time) {
	e := machinetest.Shows(p, with...)
	e.Began = noon().Add(after)
	return e, e.Began.Std()
}
