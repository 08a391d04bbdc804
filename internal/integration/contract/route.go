package contract

import (
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// A route is one path of the definition, cut into segments.
type route struct {
	path     string
	segments []string
	item     *openapi3.PathItem
}

// routesOf lists the routes so that the first match is the most literal one:
// ".../integrations/open" before ".../integrations/{integrationId}".
func routesOf(doc *openapi3.T) []route {
	var routes []route
	for path, item := range doc.Paths.Map() {
		routes = append(routes, route{path: path, segments: strings.Split(path, "/"), item: item})
	}
	slices.SortFunc(routes, func(a, b route) int {
		return slices.CompareFunc(a.segments, b.segments, compareSegments)
	})
	return routes
}

// compareSegments puts literals before parameters.
func compareSegments(a, b string) int {
	switch {
	case isParameter(a) == isParameter(b):
		return strings.Compare(a, b)
	case isParameter(a):
		return 1
	default:
		return -1
	}
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

// match returns the path parameters of a request path, if the route covers it.
func (r route) match(segments []string) (map[string]string, bool) {
	if len(segments) != len(r.segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, want := range r.segments {
		switch {
		case isParameter(want):
			params[strings.Trim(want, "{}")] = segments[i]
		case want != segments[i]:
			return nil, false
		}
	}
	return params, true
}

// find returns the operation of a request and its path parameters. The path alone may match several
// routes; the one that also knows the method wins.
func (d *Definition) find(req *http.Request) (route, *openapi3.Operation, map[string]string) {
	segments := strings.Split(req.URL.Path, "/")
	for _, r := range d.routes {
		params, ok := r.match(segments)
		if !ok {
			continue
		}
		if op := r.item.GetOperation(req.Method); op != nil {
			return r, op, params
		}
	}
	return route{}, nil, nil
}

// Has reports whether the definition has an operation, named as an Exchange names it: "GET
// /api/v2/routing/queues".
func (d *Definition) Has(operation string) bool {
	method, path, _ := strings.Cut(operation, " ")
	item := d.doc.Paths.Value(path)
	return item != nil && item.GetOperation(method) != nil
}
