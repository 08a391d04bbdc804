package handover

import (
	"context"
	"errors"
)

// beside performs a call that nothing depends on. Its failures do not count against the channel: a permission that only a
// courtesy lacks must not hold up messages. Nor is it the one call that finds out whether Genesys is back.
func (a *account) beside(ctx context.Context, call func(context.Context) error) error {
	a.mu.Lock()
	shaky := a.broken >= breakerFailures
	a.mu.Unlock()
	if shaky {
		return &waitError{after: breakerFirst, why: "Genesys failed repeatedly"}
	}
	return a.do(ctx, shareCourtesy, blameless(call))
}

// blameless is a call whose failure the breaker does not count.
func blameless(call func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := call(ctx); err != nil {
			return &besideError{err}
		}
		return nil
	}
}

// A besideError is one that the breaker does not count; a 429 closes the account all the same.
type besideError struct{ err error }

func (e *besideError) Error() string { return e.err.Error() }
func (e *besideError) Unwrap() error { return e.err }

func beside(err error) bool {
	_, is := errors.AsType[*besideError](err)
	return is
}
