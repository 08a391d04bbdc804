package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// unknownFields contains the fields of a record of the next format that this release does not know:
// fields of the record, of its current and past sessions, of its words and of its watched
// conversations. They survive a rewrite together with the struct that has them. Their bytes are not
// changed, so no number is rounded.
type unknownFields map[string]members // by place, see places

type members = map[string]json.RawMessage

// A place is a struct of a record with unknown fields that are kept.
type place struct {
	id    string // independent of changes of the lists
	value any
}

// places lists the places of a record, in the order of its JSON.
func (f *Record) places() (rec place, now []place, lists map[string][]place) {
	if f.Handover != nil {
		now = []place{{"now " + f.Handover.ID, f.Handover}}
	}
	lists = map[string][]place{}
	for i := range f.Past {
		lists["past"] = append(lists["past"], place{"now " + f.Past[i].Session.ID, &f.Past[i]})
	}
	for i := range f.Words {
		lists["words"] = append(lists["words"], place{fmt.Sprint("word ", f.Words[i].Seq), &f.Words[i]})
	}
	for i := range f.Watched {
		lists["watched"] = append(lists["watched"], place{"watched " + f.Watched[i].ID, &f.Watched[i]})
	}
	return place{"record", f}, now, lists
}

// readUnknown finds the unknown fields of a record.
func readUnknown(data []byte, f *Record) (unknownFields, error) {
	u := unknownFields{}
	_, err := f.visit(data, func(p place, m members) {
		known := fieldNames(reflect.TypeOf(p.value).Elem())
		for name, value := range m {
			if !known[name] {
				if u[p.id] == nil {
					u[p.id] = members{}
				}
				u[p.id][name] = bytes.Clone(value)
			}
		}
	})
	return u, err
}

// putInto adds the unknown fields to the JSON of this release. It forgets those of places that
// are gone.
func (u unknownFields) putInto(data []byte, f *Record) ([]byte, error) {
	present := map[string]bool{}
	data, err := f.visit(data, func(p place, m members) {
		maps.Copy(m, u[p.id])
		present[p.id] = true
	})
	if err != nil {
		return nil, redactJSON(err)
	}
	maps.DeleteFunc(u, func(id string, _ members) bool { return !present[id] })
	return data, nil
}

// visit calls fn with the members of each place, which fn may change, and returns the JSON with the
// changes.
func (f *Record) visit(data []byte, fn func(place, members)) ([]byte, error) {
	rec, now, lists := f.places()
	var top members
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, err
	}
	for name, list := range lists {
		var all []members
		if err := json.Unmarshal(top[name], &all); err != nil {
			return nil, err
		}
		for i, p := range list {
			fn(p, all[i])
		}
		var err error
		if top[name], err = json.Marshal(all); err != nil {
			return nil, err
		}
	}
	for _, p := range now {
		var m members
		if err := json.Unmarshal(top["now"], &m); err != nil {
			return nil, err
		}
		fn(p, m)
		var err error
		if top["now"], err = json.Marshal(m); err != nil {
			return nil, err
		}
	}
	fn(rec, top)
	return json.Marshal(top)
}

// fieldNames lists the JSON names of a struct, including those of embedded structs.
func fieldNames(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for n := range fieldNames(f.Type) {
				names[n] = true
			}
		case name != "" && name != "-":
			names[name] = true
		}
	}
	return names
}
