package genesys

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// The errors that errors.Is finds.
var (
	// 401, and credentials the token endpoint refused.
	ErrUnauthorized = errors.New("genesys: unauthorized")
	ErrForbidden    = errors.New("genesys: forbidden") // 403: see Error.MissingPermissions
	// 404, and a queue name that does not exist.
	ErrNotFound    = errors.New("genesys: not found")
	ErrRateLimited = errors.New("genesys: rate limited")       // 429: see Error.RetryAfter
	ErrUnavailable = errors.New("genesys: unavailable")        // 5xx, and no answer
	ErrAmbiguous   = errors.New("genesys: name is not unique") // several queues of one name
)

// Codes of this package for answers without a code of Genesys.
const (
	codeReceiptFailed = "receipt.failed" // a 2xx with a body that reports a failed receipt
	codeUnreadable    = "answer.unreadable"
)

// An Error is an answer of the API that reports a failure.
//
// Its text names the operation, the status, Genesys' code and the correlation id. It contains
// Genesys' message only if that cannot repeat what was sent: for 401, 403, 404, 409 and 429, and
// from the token endpoint. A 400 may quote the refused value, which can be a customer's text, so
// its text names the refused fields instead. Message always has the sentence: do not log Message.
type Error struct {
	Op string // the operation, "conversations.transferToQueue"
	// Genesys' code, "missing.permissions"; empty if the answer is not Genesys' JSON, as from a
	// gateway.
	Code          string
	Message       string // Genesys' sentence; may quote the request
	CorrelationID string // for Genesys' support
	StatusCode    int    // of the answer; 2xx if only its body reports the failure

	// RetryAfter is how long the server asks to wait; zero if the answer has no such value. It can
	// be long: limit it.
	RetryAfter time.Duration

	// MissingPermissions is set for a 403: one of them, or all, are missing from the roles of the
	// OAuth client.
	MissingPermissions []string

	fields    []string // names only
	hint      string
	ambiguous bool // an earlier attempt may have been performed
}

// Error returns a text that is safe to log: see the type.
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

// speaks reports whether the message may be shown.
func (e *Error) speaks() bool {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests:
		return true
	default:
		return e.Op == opToken
	}
}

// Is reports whether the status is that of a sentinel.
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

// answerError returns the error of an answer that is not a 2xx.
func answerError(op string, r *httpx.Response) *Error {
	e := parseErrorBody(r.Body)
	e.Op, e.StatusCode, e.ambiguous = op, r.Status, r.Ambiguous
	e.RetryAfter = httpx.RetryAfter(r.Header, r.Status, time.Now())
	if r.Status == http.StatusTooManyRequests && e.RetryAfter == 0 {
		e.RetryAfter = waitInText(e.Message)
	}
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

// retryText is the sentence of the API's 429, which may be the only place that states the wait:
// "Rate limit exceeded the maximum. Retry the request in [12] seconds".
var retryText = regexp.MustCompile(`(?i)retry the request in \[?([0-9]{1,6})\]? second`)

func waitInText(message string) time.Duration {
	found := retryText.FindStringSubmatch(message)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1]) // six digits at most
	return time.Duration(n) * time.Second
}

// correlationID returns Genesys' id of the request. It prefers the newer header, like
// https://github.com/gildas/go-gcloudcx/blob/8448e4d/request.go
func correlationID(h http.Header) string {
	for _, key := range []string{"Genesys-Correlation-Id", "Inin-Correlation-Id"} {
		if id := token(h.Get(key), 128); id != "" {
			return id
		}
	}
	return ""
}

// maxNested bounds errors inside errors.
const maxNested = 4

// errorBody is Genesys' ErrorBody. Each field is raw, so that one of an unexpected type does not
// hide the others. https://developer.genesys.cloud/platform/api/error-handling
type errorBody struct {
	Message       json.RawMessage            `json:"message"`
	Code          json.RawMessage            `json:"code"`
	ContextID     json.RawMessage            `json:"contextId"`
	MessageParams map[string]json.RawMessage `json:"messageParams"`
	Details       []struct {
		FieldName json.RawMessage `json:"fieldName"`
	} `json:"details"`
	Errors []json.RawMessage `json:"errors"`
}

// parseErrorBody never fails. A gateway's HTML becomes an Error without code and message, because
// it could quote anything.
func parseErrorBody(raw []byte) *Error {
	e := &Error{}
	e.read(raw, 0)
	slices.Sort(e.fields)
	e.fields = slices.Compact(e.fields)
	return e
}

func (e *Error) read(raw []byte, depth int) {
	var b errorBody
	if err := json.Unmarshal(raw, &b); err != nil {
		if _, ok := err.(*json.UnmarshalTypeError); !ok { //nolint:errorlint // json returns it unwrapped
			return // not JSON; after a type error the other fields are set
		}
	}
	message := text(b.Message)
	if e.Message == "" {
		e.Message = message
	}
	if e.Code == "" {
		e.Code = token(text(b.Code), 100)
	}
	if e.CorrelationID == "" {
		e.CorrelationID = token(text(b.ContextID), 128)
	}
	e.permissions(text(b.MessageParams["permissions"]))
	e.permissions(message)
	for _, d := range b.Details[:min(len(b.Details), 20)] {
		if name := token(text(d.FieldName), 100); name != "" {
			e.fields = append(e.fields, name)
		}
	}
	if depth < maxNested {
		for _, nested := range b.Errors[:min(len(b.Errors), 20)] {
			e.read(nested, depth+1)
		}
	}
}

// permissions collects words such as "conversation:communication:blindTransfer" from brackets,
// lists and sentences.
func (e *Error) permissions(s string) {
	outside := func(r rune) bool { return !isToken(r) || r == '[' || r == ']' }
	for word := range strings.FieldsFuncSeq(s, outside) {
		word = strings.Trim(word, ":.-")
		if strings.Count(word, ":") == 2 && !strings.Contains(word, "::") && len(word) <= 200 &&
			!slices.Contains(e.MissingPermissions, word) && len(e.MissingPermissions) < 20 {
			e.MissingPermissions = append(e.MissingPermissions, word)
		}
	}
}

// text returns a JSON string, or a list of strings joined by commas. Any other value is "".
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, ",")
	}
	return ""
}

// token returns s if it can only be a name, else "", so that error texts contain no sentences of a
// server.
func token(s string, limit int) string {
	s = strings.TrimSpace(s)
	if len(s) > limit || strings.ContainsFunc(s, func(r rune) bool { return !isToken(r) }) {
		return ""
	}
	return s
}

func isToken(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-:*[]", r)
}

// oneLine returns s without line breaks, cut to limit characters.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return s
}
