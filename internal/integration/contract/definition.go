// Package contract compares HTTP exchanges with a Swagger 2.0 definition, more strictly than the
// definition requires: a property that the definition does not list is wrong, in a request and in
// an answer alike. So a misspelt field is found before an organisation silently ignores it.
package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

// A Definition is an API definition, amended by the documented deviations and closed: objects take
// the properties they list and no others. It is read-only after Load and safe for concurrent use.
type Definition struct {
	doc    *openapi3.T
	routes []route
}

// Load reads the Swagger 2.0 file at path and applies the deviations. It returns an error for a
// deviation that the definition no longer has, so that the list can only shrink.
func Load(path string, deviations []Deviation) (*Definition, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the developer passes the path
	if err != nil {
		return nil, fmt.Errorf("contract: read the definition: %w", err)
	}
	var swagger openapi2.T
	if err := json.Unmarshal(raw, &swagger); err != nil {
		return nil, fmt.Errorf("contract: %s is not Swagger 2.0: %w", path, err)
	}
	doc, err := openapi2conv.ToV3(&swagger)
	if err != nil {
		return nil, fmt.Errorf("contract: convert %s: %w", path, err)
	}
	if doc.Paths.Len() == 0 {
		return nil, errors.New("contract: the definition lists no path")
	}
	for _, d := range deviations {
		if err := d.Amend(doc); err != nil {
			return nil, fmt.Errorf("contract: deviation %q: %w", d.Name, err)
		}
	}
	closeSchemas(doc)
	return &Definition{doc: doc, routes: routesOf(doc)}, nil
}

// closeSchemas forbids unknown properties wherever a schema lists properties and declares no map
// value. Free-form objects and maps stay open.
func closeSchemas(doc *openapi3.T) {
	seen := map[*openapi3.Schema]bool{}
	for _, ref := range doc.Components.Schemas {
		closeSchema(ref, seen)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			closeSchema(requestSchema(op), seen)
			for _, response := range op.Responses.Map() {
				closeSchema(jsonSchema(response.Value.Content), seen)
			}
		}
	}
}

func closeSchema(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	extra := &s.AdditionalProperties
	if len(s.Properties) > 0 && extra.Has == nil && extra.Schema == nil {
		extra.Has = new(false)
	}
	closeSchema(extra.Schema, seen)
	closeSchema(s.Items, seen)
	for _, p := range s.Properties {
		closeSchema(p, seen)
	}
	for _, list := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
		for _, r := range list {
			closeSchema(r, seen)
		}
	}
}

func requestSchema(op *openapi3.Operation) *openapi3.SchemaRef {
	if op.RequestBody == nil || op.RequestBody.Value == nil {
		return nil
	}
	return jsonSchema(op.RequestBody.Value.Content)
}

func jsonSchema(content openapi3.Content) *openapi3.SchemaRef {
	media := content.Get("application/json")
	if media == nil {
		return nil
	}
	return media.Schema
}
