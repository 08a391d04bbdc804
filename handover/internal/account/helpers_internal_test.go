package account

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
)

func noon() time.Time { return machinetest.Noon() }
