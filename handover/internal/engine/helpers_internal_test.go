package engine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
)

func noon() time.Time { return machinetest.Noon() }

func ago(d time.Duration) time.Time { return machinetest.Ago(d) }
