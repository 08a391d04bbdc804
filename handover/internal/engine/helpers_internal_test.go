package engine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
)

func noon() machine.Time { return machinetest.Noon() }

func ago(d time.Duration) machine.Time { return machinetest.Ago(d) }
