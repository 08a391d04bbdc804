package record

import (
	"time"
)

// genesysNow returns the time of an edit by Genesys' clock.
func (tx *Transaction) genesysNow() time.Time { return tx.Clock.Genesys(tx.Now) }
