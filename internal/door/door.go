// Package door is how the simulation drives the engine of handover: clock, chance and scheduling are taken through it. It
// is a package of its own, and internal, because its type is the parameter that keeps hosts from opening the door.
package door

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Door replaces what is not deterministic. All fields are required.
type Door struct {
	// Now is the clock.
	Now func() time.Time
	// Until is a context that ends at a time of that clock.
	Until func(ctx context.Context, at time.Time) (context.Context, context.CancelFunc)
	// Wait is the only way to block: until something is received from ready (true), d has passed (false), or ctx has ended.
	Wait func(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error)
	// Go runs a task beside the caller.
	Go func(task func())
	// Chance gives ids and jitter. It is used by one task at a time.
	Chance rand.Source
}
