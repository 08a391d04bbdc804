package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// A Violation is one way in which an exchange departs from the definition.
type Violation struct {
	Operation string // "POST /api/v2/…", the path as the definition writes it
	Side      string // "request" or "answer 404"
	At        string // where in it: "/channel/from", "query pageSize"
	Problem   string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", v.Operation, v.Side, v.At, v.Problem)
}

// Check compares one exchange with the definition and records in c the parts that it exercised.
func (d *Definition) Check(e Exchange, c *Coverage) []Violation {
	r, op, params := d.find(e.Request)
	if op == nil {
		unknown := e.Request.Method + " " + e.Request.URL.Path
		return []Violation{{Operation: unknown, Side: "request", At: "path", Problem: "the definition has no such operation"}}
	}
	name := e.Request.Method + " " + r.path
	k := &check{operation: name, side: "request"}
	k.parameters(r, op, params, e.Request)
	sent := k.requestBody(op, e)
	k.side = fmt.Sprintf("answer %d", e.Status)
	got := k.answer(op, e)
	c.note(name, e.Status, e.Request.URL.Query(), sent, got)
	return k.found
}

// A check collects the violations of one exchange.
type check struct {
	operation, side string
	found           []Violation
}

func (k *check) add(at, format string, args ...any) {
	k.found = append(k.found, Violation{k.operation, k.side, at, fmt.Sprintf(format, args...)})
}

func (k *check) requestBody(op *openapi3.Operation, e Exchange) any {
	body := op.RequestBody
	switch {
	case body == nil && len(e.RequestBody) > 0:
		k.add("body", "the definition has no body, %d bytes were sent", len(e.RequestBody))
		return nil
	case len(e.RequestBody) == 0:
		if body != nil && body.Value.Required {
			k.add("body", "required and missing")
		}
		return nil
	case body.Value.Content.Get(formType) != nil:
		return k.form(body.Value.Content.Get(formType).Schema, e)
	}
	return k.json(requestSchema(op), e.Request.Header, e.RequestBody, openapi3.VisitAsRequest())
}

// answer checks the answer's body. Any 2xx is held against the documented success, because the
// definition's success codes are partly inferred; the error codes it lists per operation are not
// complete, so any other status needs an ErrorBody.
func (k *check) answer(op *openapi3.Operation, e Exchange) any {
	schema := successSchema(op)
	if e.Status < http.StatusOK || e.Status >= http.StatusMultipleChoices {
		schema = errorSchema(op)
	}
	switch {
	case e.Request.Method == http.MethodHead: // has no body with any status
		return nil
	case schema == nil && len(e.ResponseBody) > 0:
		k.add("body", "the definition has none, %d bytes were answered", len(e.ResponseBody))
		return nil
	case schema == nil:
		return nil
	case len(e.ResponseBody) == 0:
		k.add("body", "documented and missing")
		return nil
	}
	return k.json(schema, e.Header, e.ResponseBody, openapi3.VisitAsResponse())
}

func successSchema(op *openapi3.Operation) *openapi3.SchemaRef {
	for status := http.StatusOK; status < http.StatusMultipleChoices; status++ {
		if res := op.Responses.Status(status); res != nil {
			return jsonSchema(res.Value.Content)
		}
	}
	return nil
}

// errorSchema is the schema of the operation's 400, which is the same ErrorBody for every error of
// every operation.
func errorSchema(op *openapi3.Operation) *openapi3.SchemaRef {
	if res := op.Responses.Status(http.StatusBadRequest); res != nil {
		return jsonSchema(res.Value.Content)
	}
	return nil
}

// json decodes a body, checks it and returns it.
func (k *check) json(ref *openapi3.SchemaRef, h http.Header, body []byte, as openapi3.SchemaValidationOption) any {
	if kind, _, err := mime.ParseMediaType(h.Get("Content-Type")); err != nil || kind != "application/json" {
		k.add("header Content-Type", "%q is not application/json", h.Get("Content-Type"))
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		k.add("body", "not JSON: %v", err)
		return nil
	}
	k.value("", ref, value, as)
	return value
}

func (k *check) value(at string, ref *openapi3.SchemaRef, value any, as openapi3.SchemaValidationOption) {
	err := ref.Value.VisitJSON(value, as, openapi3.MultiErrors(), openapi3.EnableFormatValidation(),
		openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(isDateTime)))
	k.explain(at, err)
}

// explain flattens kin-openapi's tree of errors into violations.
func (k *check) explain(at string, err error) {
	if many, ok := errors.AsType[openapi3.MultiError](err); ok {
		for _, e := range many {
			k.explain(at, e)
		}
		return
	}
	if one, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		k.add(at+"/"+strings.Join(one.JSONPointer(), "/"), "%s", one.Reason)
		return
	}
	if err != nil {
		k.add(at, "%v", err)
	}
}

func isDateTime(s string) error {
	_, err := time.Parse(time.RFC3339, s)
	return err
}
