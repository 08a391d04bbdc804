package record

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Job is a claimed effect: its lease, and the record as it was stored with the claim. The record
// is not changed.
type Job struct {
	Key      machine.Key
	Lane     LaneName
	Lease    Lease
	Record   *Record
	Head     Entry // of a lane with entries, as it was claimed
	Began    time.Time
	Inherits bool        // its worker is that of the last job of the lane
	Seat     any         // the engine's reservation for it
	Returned atomic.Bool // its callback has returned after the worker stopped waiting for it
	Left     bool        // the lane is free inside this process
	Next     *Job        // continues with the worker
}

// A LaneName names a lane of a record.
type LaneName string

// The lanes.
const (
	ToGenesys LaneName = "toGenesys"
	ToHost    LaneName = "toHost"
	Control   LaneName = "control"
)

// Lane returns a lane by its name.
func (f *Record) Lane(n LaneName) *lane {
	switch n {
	case ToGenesys:
		return &f.Out
	case ToHost:
		return &f.In
	default:
		return &f.Control
	}
}

// ErrUnchanged is the error of a transaction that changes nothing, so that nothing is stored.
var ErrUnchanged = errors.New("handover: unchanged")

// ErrUnsure accompanies ErrConflict if it is unknown whether the store has accepted the record.
var ErrUnsure = errors.New("handover: outcome unknown")
