package handover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// A baggage is what a record of the next release holds and this one does not know: fields, at any depth. They stay with what
// they are part of, however lists change, and go when it goes. It is packed when the record is read and put back into what is
// written, as the bytes it came in, so no number is rounded. Records of our own format have none, and cost nothing.
type baggage struct {
	places map[string]bool    // structs that were there
	fields map[string]members // unknown fields, by the place of their struct
	values map[string]foreign // values with JSON methods of their own, by place
	deep   bool               // some are below the top
}

// A layout is the fields of a struct by their names in JSON.
type layout map[string][]int

type members = map[string]json.RawMessage

// A foreign value is kept whole as long as what we know of it stays as it was.
type foreign struct{ known, whole json.RawMessage }

// A carrier walks over a value and its JSON side by side.
type carrier struct {
	*baggage

	packing bool
	layouts map[reflect.Type]layout
}

func pack(data []byte, f *file) (*baggage, error) {
	b := &baggage{places: map[string]bool{}, fields: map[string]members{}, values: map[string]foreign{}}
	_, err := carrier{b, true, map[reflect.Type]layout{}}.walk(data, reflect.ValueOf(f), place{})
	return b, err
}

// putInto gives data, which is f encoded, with what was packed.
func (b *baggage) putInto(data []byte, f *file) ([]byte, error) {
	return carrier{b, false, map[reflect.Type]layout{}}.walk(data, reflect.ValueOf(f), place{})
}

func (c carrier) walk(data json.RawMessage, v reflect.Value, at place) (json.RawMessage, error) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return data, nil
		}
		v = v.Elem()
	}
	switch t := v.Type(); {
	case t == reflect.TypeFor[time.Time]():
		return data, nil
	case speaksJSON(t):
		return c.value(data, v, at), nil
	case t.Kind() == reflect.Struct:
		return c.object(data, v, at)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return c.list(data, v, at)
	default:
		return data, nil
	}
}

func speaksJSON(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]())
}

func (c carrier) object(data json.RawMessage, v reflect.Value, at place) (json.RawMessage, error) {
	all := members{}
	if err := json.Unmarshal(data, &all); err != nil || all == nil {
		return data, err
	}
	at = at.of(v)
	if !c.packing && !c.places[at.path] && at.moved != "" {
		at.path = at.moved // it came from elsewhere
	}
	known := c.layout(v.Type())
	for name, index := range known {
		if !c.packing && !c.deep {
			break
		}
		field := v.FieldByIndex(index)
		part, there := all[name]
		if !there {
			if c.packing || field.Kind() != reflect.Struct {
				continue
			}
			part = json.RawMessage("{}") // left out since all we know of it is zero
		}
		part, err := c.walk(part, field, at.under("/"+name, v.Type()))
		if err != nil {
			return nil, err
		}
		if there || string(part) != "{}" {
			all[name] = part
		}
	}
	if c.packing {
		c.pack(all, known, at)
		return data, nil
	}
	for name, field := range c.fields[at.path] {
		if _, taken := all[name]; !taken {
			all[name] = field
		}
	}
	return json.Marshal(all)
}

func (c carrier) pack(all members, known layout, at place) {
	c.places[at.path] = true
	for name := range known {
		delete(all, name)
	}
	for name := range known {
		for other := range all {
			if strings.EqualFold(name, other) { // encoding/json takes it for the same
				delete(all, other)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	c.deep = c.deep || at.path != ""
	c.fields[at.path] = all
	if _, known := c.fields[at.moved]; at.moved != "" && !known {
		c.fields[at.moved] = all
	}
}

func (c carrier) list(data json.RawMessage, v reflect.Value, at place) (json.RawMessage, error) {
	var all []json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	same := map[string]int{} // elements of one identity are counted
	for i := range min(len(all), v.Len()) {
		id := identity(v.Index(i).Interface())
		if id == "" {
			content, err := json.Marshal(v.Index(i).Interface())
			if err != nil {
				return nil, err
			}
			id = string(content) // such elements never change
		}
		step := fmt.Sprintf("[%q %d]", id, same[id])
		same[id]++
		part, err := c.walk(all[i], v.Index(i), at.under(step, v.Type()))
		if err != nil {
			return nil, err
		}
		all[i] = part
	}
	if c.packing || all == nil {
		return data, nil
	}
	return json.Marshal(all)
}

// value keeps a value that reads and writes itself, and so drops what it does not know.
func (c carrier) value(data json.RawMessage, v reflect.Value, at place) json.RawMessage {
	known, err := json.Marshal(v.Interface())
	switch {
	case err != nil:
	case !c.packing:
		if old, ok := c.values[at.path]; ok && bytes.Equal(old.known, known) {
			return old.whole
		}
	case !bytes.Equal(known, data):
		c.values[at.path], c.deep = foreign{known, data}, true
		if at.moved != "" {
			c.values[at.moved] = foreign{known, data}
		}
	}
	return data
}

// layout gives the fields as encoding/json sees them, those of embedded structs among them.
func (c carrier) layout(t reflect.Type) layout {
	if s, ok := c.layouts[t]; ok {
		return s
	}
	s := layout{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" && f.Anonymous {
			continue
		}
		if name == "" {
			name = f.Name
		}
		s[name] = f.Index
	}
	c.layouts[t] = s
	return s
}
