package genesystest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An answer is what an operation says. Operations only compute it; the server writes it, or a fault loses it.
type answer struct {
	status  int
	body    any // nil: no body
	raw     []byte
	mime    string
	header  http.Header
	mistake string // why only a mistake in the program explains the request
}

func answerOK(body any) answer { return answer{status: http.StatusOK, body: body} }
func answerAccepted() answer   { return answer{status: http.StatusAccepted} }

// errorBody is the ErrorBody of the API definition.
type errorBody struct {
	Message           string            `json:"message"`
	Code              string            `json:"code"`
	Status            int               `json:"status"`
	MessageWithParams string            `json:"messageWithParams,omitempty"`
	MessageParams     map[string]string `json:"messageParams,omitempty"`
	ContextID         string            `json:"contextId,omitempty"`
	Details           []errorDetail     `json:"details"`
	Errors            []errorBody       `json:"errors"`
	Limit             *errorLimit       `json:"limit,omitempty"`
}

type errorDetail struct {
	ErrorCode string `json:"errorCode,omitempty"`
	FieldName string `json:"fieldName,omitempty"`
}

type errorLimit struct {
	Key   string `json:"key,omitempty"`
	Value int    `json:"value,omitempty"`
}

func failure(status int, code, message string) answer {
	return answer{status: status, body: errorBody{
		Message: message, Code: code, Status: status, Details: []errorDetail{}, Errors: []errorBody{},
	}}
}

// mistaken marks a refusal as the fault of the program: it fails the test.
func (a answer) mistaken() answer {
	if e, ok := a.body.(errorBody); ok {
		a.mistake = e.Code + ": " + e.Message
	}
	return a
}

// with fills a parameter into the message, which keeps its form with names too.
func (a answer) with(name, value string) answer {
	e, ok := a.body.(errorBody)
	if !ok {
		return a
	}
	e.MessageWithParams = e.Message
	e.Message = strings.ReplaceAll(e.Message, "{"+name+"}", value)
	e.MessageParams = map[string]string{name: value}
	a.body = e
	return a
}

func (a answer) field(name, code string) answer {
	if e, ok := a.body.(errorBody); ok {
		e.Details = []errorDetail{{ErrorCode: code, FieldName: name}}
		a.body = e
	}
	return a
}

func (a answer) set(name, value string) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(name, value)
	return a
}

func (a answer) retryAfter(d time.Duration) answer {
	if d <= 0 {
		return a
	}
	return a.set("Retry-After", strconv.Itoa(seconds(d)))
}

// badRequest refuses a body or parameter; field is a path such as channel.from.id.
func badRequest(code, field, format string, args ...any) answer {
	message := fmt.Sprintf(format, args...)
	if field != "" {
		message = field + " " + message
	}
	return failure(http.StatusBadRequest, code, message).field(field, code).mistaken()
}

// gone is a thing that is not there (any more).
func gone(what string) answer {
	return failure(http.StatusNotFound, "not.found", "There is no such "+what)
}

// conflict is a thing in another state than the request supposes. The code is UNCERTAIN: Genesys documents none.
func conflict(message string) answer { return failure(http.StatusConflict, "conflict", message) }
