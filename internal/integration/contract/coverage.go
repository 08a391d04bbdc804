package contract

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Coverage counts the exercised operations, statuses, query parameters and properties of bodies.
// Not safe for concurrent use.
type Coverage struct {
	operations map[string]*exercised
}

type exercised struct {
	times               int
	statuses            map[int]int
	query               map[string]bool
	request, ok, failed map[string]bool
}

// NewCoverage returns an empty one.
func NewCoverage() *Coverage { return &Coverage{operations: map[string]*exercised{}} }

func (c *Coverage) note(operation string, status int, query url.Values, sent, got any) {
	o := c.operations[operation]
	if o == nil {
		o = &exercised{
			statuses: map[int]int{}, query: map[string]bool{},
			request: map[string]bool{}, ok: map[string]bool{}, failed: map[string]bool{},
		}
		c.operations[operation] = o
	}
	o.times++
	o.statuses[status]++
	for name := range query {
		o.query[name] = true
	}
	properties(o.request, "", sent)
	answer := o.ok
	if status < 200 || status > 299 {
		answer = o.failed
	}
	properties(answer, "", got)
}

// properties adds the path of every leaf: "channel.from.id", "participants[].queue.id".
func properties(into map[string]bool, at string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			properties(into, strings.TrimPrefix(at+"."+name, "."), inner)
		}
	case []any:
		for _, inner := range v {
			properties(into, at+"[]", inner)
		}
	default:
		if at != "" {
			into[at] = true
		}
	}
}

// Succeeded reports whether an operation was answered with a 2xx at least once.
func (c *Coverage) Succeeded(operation string) bool {
	o := c.operations[operation]
	if o == nil {
		return false
	}
	for status := range o.statuses {
		if status >= 200 && status <= 299 {
			return true
		}
	}
	return false
}

// Failed reports whether any operation was answered with the status.
func (c *Coverage) Failed(status int) bool {
	for _, o := range c.operations {
		if o.statuses[status] > 0 {
			return true
		}
	}
	return false
}

// Sent reports whether any request had a property, named as String names it: "channel.from.id".
func (c *Coverage) Sent(property string) bool {
	for _, o := range c.operations {
		if o.request[property] {
			return true
		}
	}
	return false
}

// String lists the operations and, for each, the statuses and properties that were seen.
func (c *Coverage) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.operations)) {
		o := c.operations[name]
		fmt.Fprintf(&b, "%s\n  %d exchanges, answers:", name, o.times)
		for _, status := range slices.Sorted(maps.Keys(o.statuses)) {
			fmt.Fprintf(&b, " %d×%d", o.statuses[status], status)
		}
		b.WriteByte('\n')
		for _, row := range []struct {
			name string
			set  map[string]bool
		}{{"query", o.query}, {"sent", o.request}, {"answered", o.ok}, {"error", o.failed}} {
			if len(row.set) > 0 {
				fmt.Fprintf(&b, "  %-9s %s\n", row.name+":", strings.Join(slices.Sorted(maps.Keys(row.set)), ", "))
			}
		}
	}
	return b.String()
}

// Operations lists the exercised operations, sorted.
func (c *Coverage) Operations() []string { return slices.Sorted(maps.Keys(c.operations)) }
