package record

import (
	"time"
)

// genesysNow returns the time of the transaction by Genesys' clock.
func (tx *Transaction) genesysNow() time.Time { return tx.Clock.Genesys(tx.Now) }
