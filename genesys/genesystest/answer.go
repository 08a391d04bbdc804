package genesystest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An answer is the result of an operation. An operation only computes it; the server writes it,
// or a fault drops it.
type answer struct {
	status  int
	body    any // nil: no body
	raw     []byte
	mime    string
	header  http.Header
	mistake string // set: the request is a mistake of the program, and why
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

// asMistake marks a refusal as a mistake of the program, which fails the test.
func (a answer) asMistake() answer {
	if e, ok := a.body.(errorBody); ok {
		a.mistake = e.Code + ": " + e.Message
	}
	return a
}

// with replaces a parameter in the message. MessageWithParams keeps the form with the names.
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

// withHeader replaces headers. A header without values is left out of the answer.
func (a answer) withHeader(h http.Header) answer {
	if len(h) == 0 {
		return a
	}
	merged := http.Header{}
	maps.Copy(merged, a.header)
	for name, values := range h {
		merged[http.CanonicalHeaderKey(name)] = values
	}
	a.header = merged
	return a
}

func (a answer) retryAfter(d time.Duration) answer {
	if d <= 0 {
		return a
	}
	return a.set("Retry-After", strconv.Itoa(seconds(d)))
}

// badRequest returns a 400 for a body or parameter. field is a path such as channel.from.id.
func badRequest(code, field, format string, args ...any) answer {
	message := fmt.Sprintf(format, args...)
	if field != "" {
		message = field + " " + message
	}
	return failure(http.StatusBadRequest, code, message).field(field, code).asMistake()
}

// notFound returns a 404.
func notFound(what string) answer {
	return failure(http.StatusNotFound, "not.found", "The "+what+" does not exist")
}

// conflict returns a 409: the resource is not in the state that the request needs. The code is
// UNCERTAIN, Genesys documents none.
func conflict(message string) answer { return failure(http.StatusConflict, "conflict", message) }

// ref is a DomainEntityRef.
type ref struct {
	ID      string `json:"id,omitempty"`
	Name    string `json:"name,omitempty"`
	SelfURI string `json:"selfUri,omitempty"`
}

// A listing is one page of entities.
type listing[T any] struct {
	Entities    []T    `json:"entities"`
	PageSize    int    `json:"pageSize"`
	PageNumber  int    `json:"pageNumber"`
	Total       *int   `json:"total,omitempty"`
	FirstURI    string `json:"firstUri,omitempty"`
	SelfURI     string `json:"selfUri,omitempty"`
	PreviousURI string `json:"previousUri,omitempty"`
	NextURI     string `json:"nextUri,omitempty"`
	LastURI     string `json:"lastUri,omitempty"`
	PageCount   *int   `json:"pageCount,omitempty"`
}

// page returns the page that a request asks for. Without totals it leaves out total, pageCount
// and lastUri, which the definition of queue members does not have.
func page[T any](c *call, all []T, maxSize int, totals bool) answer {
	q := c.request.URL.Query()
	size, wrong := number(q, "pageSize", 25, maxSize)
	if wrong != nil {
		return *wrong
	}
	n, wrong := number(q, "pageNumber", 1, 1<<20)
	if wrong != nil {
		return *wrong
	}
	pages := max(1, (len(all)+size-1)/size)
	from := min((n-1)*size, len(all))
	l := listing[T]{
		Entities: append([]T{}, all[from:min(from+size, len(all))]...), PageSize: size, PageNumber: n,
		FirstURI: pageURI(c.request, 1), SelfURI: pageURI(c.request, n),
	}
	if totals {
		l.Total, l.PageCount, l.LastURI = new(len(all)), new(pages), pageURI(c.request, pages)
	}
	if n > 1 {
		l.PreviousURI = pageURI(c.request, n-1)
	}
	if n < pages {
		l.NextURI = pageURI(c.request, n+1)
	}
	return answerOK(l)
}

func number(q url.Values, name string, standard, most int) (int, *answer) {
	if !q.Has(name) {
		return standard, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 || n > most {
		a := badRequest("invalid.value", name, "is %q, allowed are 1 to %d", q.Get(name), most)
		return 0, &a
	}
	return n, nil
}

// pageURI returns an address relative to the host, as Genesys does.
func pageURI(r *http.Request, n int) string {
	q := r.URL.Query()
	q.Set("pageNumber", strconv.Itoa(n))
	return r.URL.Path + "?" + q.Encode()
}
