package contract

import (
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

const formType = "application/x-www-form-urlencoded"

// parameters checks the parameters in the path and in the query.
func (k *check) parameters(r route, op *openapi3.Operation, inPath map[string]string, req *http.Request) {
	known := map[string]*openapi3.Parameter{}
	for _, list := range []openapi3.Parameters{r.item.Parameters, op.Parameters} {
		for _, ref := range list {
			known[ref.Value.In+" "+ref.Value.Name] = ref.Value
		}
	}
	for name, value := range inPath {
		k.parameter("path "+name, known["path "+name], []string{value})
	}
	query := req.URL.Query()
	for name, values := range query {
		k.parameter("query "+name, known["query "+name], values)
	}
	for at, p := range known {
		if p.In == openapi3.ParameterInQuery && p.Required && !query.Has(p.Name) {
			k.add(at, "required and missing")
		}
	}
}

func (k *check) parameter(at string, p *openapi3.Parameter, values []string) {
	if p == nil {
		k.add(at, "the definition has no such parameter")
		return
	}
	schema := p.Schema
	if schema.Value.Type.Is(openapi3.TypeArray) {
		schema = schema.Value.Items
	} else if len(values) > 1 {
		k.add(at, "present %d times, the definition allows one", len(values))
	}
	for _, v := range values {
		if v == "" {
			k.add(at, "empty")
			continue
		}
		k.value(at, schema, typed(schema.Value, v), openapi3.VisitAsRequest())
	}
}

// typed converts a parameter to the type of its schema. A value that does not convert stays text
// and fails the type check.
func typed(s *openapi3.Schema, text string) any {
	switch {
	case s.Type.Is(openapi3.TypeInteger), s.Type.Is(openapi3.TypeNumber):
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	case s.Type.Is(openapi3.TypeBoolean):
		if text == "true" || text == "false" { // ParseBool would take "1" and "T" too
			return text == "true"
		}
	}
	return text
}

// form checks a form-encoded body, which only the token endpoint takes.
func (k *check) form(ref *openapi3.SchemaRef, e Exchange) any {
	if kind, _, err := mime.ParseMediaType(e.Request.Header.Get("Content-Type")); err != nil || kind != formType {
		k.add("header Content-Type", "%q is not %s", e.Request.Header.Get("Content-Type"), formType)
	}
	values, err := url.ParseQuery(string(e.RequestBody))
	if err != nil {
		k.add("body", "not a form: %v", err)
		return nil
	}
	value := map[string]any{}
	for name := range values {
		value[name] = values.Get(name)
	}
	k.value("", ref, value, openapi3.VisitAsRequest())
	return value
}
