package handover

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/door"
)

// NewSimulated is [New] for the simulation of this module: the parameter's type is internal, so that no host can use it.
func NewSimulated(c Config, d door.Door) (*Manager, error) { return newManager(c, shell{d}) }

// A shell is where the engine meets what is not deterministic: the clock, chance, and the order in which tasks run.
type shell struct{ door door.Door }

func newShell() shell {
	return shell{door.Door{
		Now: time.Now, Until: context.WithDeadline, Wait: wait, Go: func(task func()) { go task() }, Chance: dice{},
	}}
}

// dice is the random source of the process.
type dice struct{}

func (dice) Uint64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return binary.LittleEndian.Uint64(b[:])
}

func wait(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ready:
		return true, nil
	case <-t.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (s shell) now() time.Time { return s.door.Now() }

// sleep waits, or gives the context's error.
func (s shell) sleep(ctx context.Context, d time.Duration) error {
	_, err := s.door.Wait(ctx, d, nil)
	return err
}

// await takes one from a channel that has one, or waits for it as long as d.
func (s shell) await(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error) {
	select {
	case <-ready:
		return true, nil
	default:
		return s.door.Wait(ctx, d, ready)
	}
}

// within is a context that ends after d, by this shell's clock.
func (s shell) within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return s.door.Until(ctx, s.now().Add(d))
}

// jitter spreads a pause over its second half.
func (s shell) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(s.door.Chance.Uint64()%uint64(d/2+1)) //nolint:gosec // a positive duration
}

// newID gives 12 characters of a-z and 2-7: 60 random bits.
func (s shell) newID() string {
	b := binary.LittleEndian.AppendUint64(nil, s.door.Chance.Uint64())
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))[:handoverIDLength]
}

// signal tells whoever waits, now or later, that there is something to see.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// tokens is a channel with n to be received.
func tokens(n int) chan struct{} {
	c := make(chan struct{}, n)
	for range n {
		c <- struct{}{}
	}
	return c
}
