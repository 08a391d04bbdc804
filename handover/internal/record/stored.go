package record

import (
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A Stored is what a store keeps for one key: the fields that the store needs to find it, and
// bytes in a format that only the Manager reads.
type Stored struct {
	Key machine.Key
	// Set by the Manager; fits int64; never repeats for a key, not even after a delete.
	Revision       uint64
	ConversationID string    // a hint for Find; may be empty
	WakeAt         time.Time // UTC, in whole microseconds; zero: the record is never due
	Data           []byte    // may contain any byte
}

// Errors that callers can test for with errors.Is.
var (
	ErrNotFound  = errors.New("handover: not found")
	ErrConflict  = errors.New("handover: the stored record has another revision")
	ErrBacklog   = errors.New("handover: too many messages wait for Genesys: try again later")
	ErrBusy      = errors.New("handover: too many writers of one customer, try again")
	ErrNoChannel = webhook.ErrNoChannel
	ErrNoQueue   = errors.New("handover: no such queue")
)
