package engine

import (
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

func recordKey() machine.Key { return machine.Key{Channel: "shop", Customer: "customer"} }
