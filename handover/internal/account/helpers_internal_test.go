package account

import (
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
)

func noon() machine.Time { return machinetest.Noon() }
