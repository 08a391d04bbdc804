package genesys

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// What errors.Is finds.
var (
	ErrUnauthorized = errors.New("genesys: unauthorized")       // 401, and credentials the token endpoint refused
	ErrForbidden    = errors.New("genesys: forbidden")          // 403: see Error.MissingPermissions
	ErrNotFound     = errors.New("genesys: not found")          // 404, and a queue name nobody has
	ErrRateLimited  = errors.New("genesys: rate limited")       // 429: see Error.RetryAfter
	ErrUnavailable  = errors.New("genesys: unavailable")        // 5xx, and no answer
	ErrAmbiguous    = errors.New("genesys: name is not unique") // several queues of one name
)

// Codes this package gives where Genesys gave none.
const (
	codeReceiptFailed = "receipt.failed" // a 2xx whose body says that the receipt failed
	codeUnreadable    = "answer.unreadable"
)

// An Error is what the API answered.
//
// Its text names the operation, the status, Genesys' code and correlation id. Genesys' message is in the text only where
// it cannot repeat what was sent: with 401, 403, 404, 409, 429 and from the token endpoint. A 400 may quote the offending
// value, which can be a customer's words, so its text has the names of the refused fields instead. Message always has it:
// do not log Message.
type Error struct {
	Op            string // the operation, "conversations.transferToQueue"
	Code          string // Genesys' code, "missing.permissions"; empty where the answer was not Genesys' JSON, as from a gateway
	Message       string // Genesys' sentence; may quote the request
	CorrelationID string // for Genesys' support
	StatusCode    int    // of the answer; 2xx where only its body says that it failed

	// RetryAfter is how long the server asks to wait; zero means not said.
	RetryAfter time.Duration

	// MissingPermissions, with a 403: one of them, or all, is missing from the roles of the OAuth client.
	MissingPermissions []string

	fields    []string // names only
	hint      string
	ambiguous bool // an earlier attempt may have had its effect
}

// Error is safe to log: see the type.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("genesys: " + e.Op + ":")
	if e.StatusCode != 0 {
		b.WriteString(" " + strconv.Itoa(e.StatusCode))
	}
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	} else if text := http.StatusText(e.StatusCode); text != "" {
		b.WriteString(" " + text)
	}
	if d := e.detail(); d != "" {
		b.WriteString(": " + d)
	}
	if e.RetryAfter > 0 {
		b.WriteString(" (retry after " + e.RetryAfter.String() + ")")
	}
	if e.CorrelationID != "" {
		b.WriteString(" (correlation " + e.CorrelationID + ")")
	}
	return b.String()
}

func (e *Error) detail() string {
	var parts []string
	switch {
	case len(e.MissingPermissions) > 0:
		parts = append(parts, "missing "+strings.Join(e.MissingPermissions, ", ")+
			": add it to a role of the OAuth client, in the division concerned")
	case e.Message != "" && e.speaks():
		parts = append(parts, oneLine(e.Message, 300))
	}
	if len(e.fields) > 0 {
		parts = append(parts, "fields "+strings.Join(e.fields, ", "))
	}
	if e.hint != "" {
		parts = append(parts, e.hint)
	}
	return strings.Join(parts, "; ")
}

// speaks: may the message be shown?
func (e *Error) speaks() bool {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests:
		return true
	default:
		return e.Op == opToken
	}
}

// Is maps the status to a sentinel.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized || e.Op == opToken && e.StatusCode == http.StatusBadRequest
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrRateLimited:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrUnavailable:
		return e.StatusCode >= 500
	default:
		return false
	}
}

// answerError is the error of an answer that is not a 2xx.
func answerError(op string, r *httpx.Response) *Error {
	e := parseErrorBody(r.Body)
	e.Op, e.StatusCode, e.ambiguous = op, r.Status, r.Ambiguous
	e.RetryAfter = httpx.RetryAfter(r.Header, r.Status, time.Now())
	if id := correlationID(r.Header); id != "" {
		e.CorrelationID = id
	}
	if r.Status != http.StatusForbidden {
		e.MissingPermissions = nil
	}
	if r.Status/100 == 3 {
		e.hint = "a redirect is not followed: is the endpoint right?"
	}
	return e
}

// correlationID reads the newer header first: https://github.com/gildas/go-gcloudcx/blob/8448e4d/request.go
func correlationID(h http.Header) string {
	for _, key := range []string{"Genesys-Correlation-Id", "Inin-Correlation-Id"} {
		if id := token(h.Get(key), 128); id != "" {
			return id
		}
	}
	return ""
}
