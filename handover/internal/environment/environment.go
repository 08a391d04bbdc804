package environment

import (
	"context"
	crand "crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"time"
)

// An Environment contains everything that is not deterministic: the clock, randomness, blocking,
// and the order in which tasks run.
type Environment struct {
	// Now returns the time.
	Now func() time.Time
	// Until returns a context that ends at a time of that clock.
	Until func(ctx context.Context, at time.Time) (context.Context, context.CancelFunc)
	// Wait is the only way to block. It returns true when something is received from ready and
	// false after d; the error is the context's.
	Wait func(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error)
	// Go runs a task concurrently with the caller.
	Go func(task func())
	// Chance is the source of ids and jitter. One task at a time uses it.
	Chance rand.Source
}

// A Source is a Store that sets the environment of its Manager. Its method's type is internal, so
// that no host can implement it; tests do.
type Source interface {
	Environment() Environment
}

// New returns the environment of the process.
func New() Environment {
	return Environment{
		Now: time.Now, Until: context.WithDeadline, Wait: Wait, Go: func(task func()) { go task() }, Chance: dice{},
	}
}

// dice is the random source of the process.
type dice struct{}

func (dice) Uint64() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails, see its documentation
	return binary.LittleEndian.Uint64(b[:])
}

// Wait blocks as [Environment.Wait] does, in real time.
func Wait(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error) {
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

// Sleep waits for d, or until ctx ends and returns its error.
func (s Environment) Sleep(ctx context.Context, d time.Duration) error {
	_, err := s.Wait(ctx, d, nil)
	return err
}

// Await takes one from a channel that has one, or waits for it as long as d.
func (s Environment) Await(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error) {
	select {
	case <-ready:
		return true, nil
	default:
		return s.Wait(ctx, d, ready)
	}
}

// Within is a context that ends after d, by this clock.
func (s Environment) Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return s.Until(ctx, s.Now().Add(d))
}

// Jitter spreads a pause over its second half.
func (s Environment) Jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(s.Chance.Uint64()%uint64(d/2+1)) //nolint:gosec // a positive duration
}

// NewID returns 12 characters of a-z and 2-7: 60 random bits.
func (s Environment) NewID() string {
	b := binary.LittleEndian.AppendUint64(nil, s.Chance.Uint64())
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))[:HandoverIDLength]
}

// Signal wakes the reader of c, or its next read if nothing reads it now. It never blocks.
func Signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Tokens is a channel with n to be received.
func Tokens(n int) chan struct{} {
	c := make(chan struct{}, n)
	for range n {
		c <- struct{}{}
	}
	return c
}

// HandoverIDLength is the length of a handover's id.
const HandoverIDLength = 12
