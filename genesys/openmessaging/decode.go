package openmessaging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrMalformed is in the error for bytes that are not JSON of the expected kind. The error names the place, never the
// value: the bytes are customers' words.
var ErrMalformed = errors.New("malformed JSON")

// decode is json.Unmarshal with errors that quote nothing.
func decode(b []byte, v any, what string) error {
	if err := json.Unmarshal(b, v); err != nil {
		return decodeError(what, err)
	}
	return nil
}

func decodeError(what string, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("openmessaging: %s: %w at byte %d; pass one whole JSON value", what, ErrMalformed, syntax.Offset)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("openmessaging: %s: %w at byte %d: field %q has the wrong JSON type", what, ErrMalformed, wrong.Offset, wrong.Field)
	}
	return fmt.Errorf("openmessaging: %s: %w: not a JSON object", what, ErrMalformed)
}

// isTypeError tells valid JSON of an unexpected shape from what is no JSON at all.
func isTypeError(err error) bool {
	_, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok
}

// isObject looks at the first byte only; json.Unmarshal checks the rest. It also keeps out null, which json.Unmarshal
// would read as an empty object.
func isObject(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == '{'
}

// orNil makes an empty list a nil one, so that "[]", null and nothing read alike.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
