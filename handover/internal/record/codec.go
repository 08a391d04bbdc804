package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// CurrentFormat is the format that this release writes. The release also reads the next one. A new
// field raises the format. Formats 1 and 2 were only written by development versions before the
// first release, and are refused.
const CurrentFormat = 3

// ErrUnreadable is the error of a record that this release cannot read. Its text has no content.
var ErrUnreadable = errors.New("handover: a record that this release cannot read")

// Encode returns the stored form of a record. The record must not change afterwards.
func (f *Record) Encode(k machine.Key, revision uint64) (Stored, error) {
	if f.Created == 0 {
		f.Created = revision
	}
	if f.Format == 0 {
		f.Format = CurrentFormat
	}
	data, err := json.Marshal(f) //nolint:musttag // customers and attributes inside have wire methods or tags of their own
	if err == nil && f.unknown != nil {
		data, err = f.unknown.putInto(data, f)
	}
	if err != nil {
		return Stored{}, fmt.Errorf("handover: encode record: %w", err)
	}
	if len(data) > maxRecord {
		return Stored{}, fmt.Errorf("%w: the record would have %d bytes, the limit is %d", ErrBacklog, len(data), maxRecord)
	}
	r := Stored{Key: k, Revision: revision, Data: data, WakeAt: f.WakeAt().Std()}
	if f.Handover != nil {
		r.ConversationID = f.Handover.ConversationID
	}
	return r, nil
}

// Decode reads a record. It returns ErrUnreadable, without any content, for a record that this
// release cannot read or would misread.
func Decode(r Stored) (*Record, error) {
	if IsReserved(r.Key) {
		return nil, fmt.Errorf("%w: its key belongs to no customer", ErrUnreadable)
	}
	f := &Record{}
	err := json.Unmarshal(r.Data, f) //nolint:musttag // as in encode
	// A field of another format may have another type. The decoder skips such a field.
	_, otherType := errors.AsType[*json.UnmarshalTypeError](err)
	switch known := err == nil || otherType && f.Format != 0; {
	case known && (f.Format == 1 || f.Format == 2):
		return nil, fmt.Errorf("%w: format %d was written by a development version from before the first release: begin with an empty store",
			ErrUnreadable, f.Format)
	case known && (f.Format < CurrentFormat || f.Format > CurrentFormat+1):
		return nil, fmt.Errorf("%w: format %d, this release reads %d and %d", ErrUnreadable, f.Format, CurrentFormat, CurrentFormat+1)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, redactJSON(err))
	}
	if err := f.understood(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if f.Format > CurrentFormat {
		var err error
		if f.unknown, err = readUnknown(r.Data, f); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreadable, redactJSON(err))
		}
	}
	return f, nil
}

// redactJSON returns an error with the position where decoding failed. It omits the text of the
// decoder, which may quote values and map keys of the record.
func redactJSON(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("a value of the wrong JSON type at byte %d", t.Offset)
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON at byte %d", s.Offset)
	}
	return errors.New("not decodable")
}

// understood returns an error if a decoded value is unknown to this release or has a new meaning in
// a later one: a state, a kind of entry, a routing. Acting on such a value could send a message to
// the wrong place. Reasons and notices may be unknown, because they are only passed on.
func (f *Record) understood() error {
	if c := f.Handover; c != nil && (!c.State.Known() || c.Routing != machine.RouteByTransfer && c.Routing != machine.RouteByFlow) {
		return errors.New("an unknown state or routing")
	}
	if len(f.Out.Entries)+len(f.Words) > 0 && f.Handover == nil {
		return errors.New("field out or words has entries of no handover")
	}
	switch {
	case slices.ContainsFunc(f.Words, func(w Word) bool { return !w.understood() }):
		return errors.New("field words: an unknown state, or a missing field")
	case slices.ContainsFunc(f.Out.Entries, func(x Entry) bool { return !x.toGenesys() }):
		return errors.New("field out.entries: an unknown kind, or a missing field")
	case slices.ContainsFunc(f.In.Entries, func(x Entry) bool { return !x.toHost() }):
		return errors.New("field in.entries: an unknown kind, or a missing field")
	case len(f.ReceivedIDs)%markSize != 0 || len(f.ForwardedIDs)%markSize != 0:
		return errors.New("field heard or said: its length is no multiple of a mark")
	}
	return nil
}

func (w *Word) understood() bool {
	m := w.Message
	switch {
	case m == nil:
		return w.State == wordSent
	case w.pending():
		// The text is split only if a part is done, because records are decoded often.
		return (m.Reply != nil || m.Text != "" || len(m.Attachments) > 0) && (w.Done == 0 || w.Done > 0 && w.Done < m.parts())
	default:
		return w.State == wordSent || w.State == wordRefused
	}
}

func (x *Entry) toGenesys() bool {
	return (x.Kind == kindLeft || x.opens() && x.Opening != nil) && x.Done >= 0 && x.Done < x.parts()
}

func (x *Entry) toHost() bool {
	return x.Kind == KindDelivery && x.Delivery != nil || x.Kind == KindNotice && x.Notice != nil || x.Kind == KindReturn && x.Session != nil
}

// NextRevision returns a revision that no earlier one of the key had, even before a delete.
func NextRevision(prev uint64, now machine.Time) uint64 {
	return max(prev+1, uint64(max(now, 1)))
}

// A Stored is what a store keeps for one key: the fields that the store needs to find it, and
// bytes in a format that only the Manager reads.
type Stored struct {
	Key machine.Key
	// Set by the Manager; fits int64; never repeats for a key, not even after a delete.
	Revision       uint64
	ConversationID string    // a hint for Find; may be empty
	WakeAt         time.Time // UTC, in whole microseconds; zero: the record is never due
	Data           []byte    // may contain any byte
}

// Errors that callers can test for with errors.Is.
var (
	ErrNotFound  = errors.New("handover: not found")
	ErrConflict  = errors.New("handover: the stored record has another revision")
	ErrBacklog   = errors.New("handover: too many messages wait for Genesys: try again later")
	ErrBusy      = errors.New("handover: too many writers of one customer, try again")
	ErrNoChannel = webhook.ErrNoChannel
	ErrNoQueue   = errors.New("handover: no such queue")
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
	err := json.Unmarshal(data, &top)
	for name, list := range lists {
		err = cmp.Or(err, rewrite(top, name, func(all []members) {
			for i, p := range list {
				fn(p, all[i])
			}
		}))
	}
	for _, p := range now {
		err = cmp.Or(err, rewrite(top, "now", func(m members) { fn(p, m) }))
	}
	if err != nil {
		return nil, err
	}
	fn(rec, top)
	return json.Marshal(top)
}

// rewrite calls fn with a member, which fn may change.
func rewrite[T any](m members, name string, fn func(T)) error {
	var value T
	err := json.Unmarshal(m[name], &value)
	if err == nil {
		fn(value)
		m[name], err = json.Marshal(value)
	}
	return err
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
