package machine

import (
	"errors"
	"fmt"
)

// ErrInvalid is every mistake of the caller that no retry heals: a bad key, message, request,
// reason or configuration.
var ErrInvalid = errors.New("handover: invalid")

// invalidError makes an error an [ErrInvalid] without changing its text. errors.Is still finds the
// wrapped error.
type invalidError struct{ err error }

func (e *invalidError) Error() string { return e.err.Error() }

func (e *invalidError) Unwrap() error { return e.err }

// Is reports that the error is an [ErrInvalid].
func (e *invalidError) Is(target error) bool { return target == ErrInvalid }

// Invalid marks err as a mistake of the caller. It returns nil for nil.
func Invalid(err error) error {
	if err == nil {
		return nil
	}
	return &invalidError{err}
}

// Invalidf returns an error that is an [ErrInvalid].
func Invalidf(format string, args ...any) error { return Invalid(fmt.Errorf(format, args...)) }
