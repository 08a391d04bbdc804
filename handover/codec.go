package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// fileFormat is the format this release writes. It reads the next one, too; a field that is added raises it.
const fileFormat = 1

var errUnreadable = errors.New("handover: a record that this release cannot read")

// encode gives the record of a file. The file must not change afterwards.
func (f *file) encode(k Key, revision uint64) (Record, error) {
	if f.Created == 0 {
		f.Created = revision
	}
	if f.Format == 0 {
		f.Format = fileFormat
	}
	data, err := json.Marshal(f) //nolint:musttag // customers and attributes inside have wire methods or tags of their own
	if err == nil && len(f.extra) > 0 {
		data, err = f.withExtra(data)
	}
	if err != nil {
		return Record{}, fmt.Errorf("handover: encode record: %w", err)
	}
	if len(data) > maxFile {
		return Record{}, fmt.Errorf("%w: the record would have %d bytes, the limit is %d", ErrBacklog, len(data), maxFile)
	}
	r := Record{Key: k, Revision: revision, Data: data, WakeAt: f.wakeAt()}
	if f.Now != nil {
		r.ConversationID = f.Now.ConversationID
	}
	return r, nil
}

func decode(r Record) (*file, error) {
	f := &file{}
	if err := json.Unmarshal(r.Data, f); err != nil { //nolint:musttag // as in encode
		return nil, fmt.Errorf("%w: %w", errUnreadable, redactJSON(err))
	}
	if f.Format < 1 || f.Format > fileFormat+1 {
		return nil, fmt.Errorf("%w: format %d, this release reads 1 to %d", errUnreadable, f.Format, fileFormat+1)
	}
	if f.Format != fileFormat {
		if err := f.keepExtra(r.Data); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnreadable, redactJSON(err))
		}
	}
	return f, nil
}

// redactJSON keeps what an error of encoding/json says about the place and drops what stood there.
func redactJSON(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("field %s at byte %d", t.Field, t.Offset)
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON at byte %d", s.Offset)
	}
	return errors.New("not decodable")
}

// keepExtra keeps the fields of a newer release, so that a rewrite does not lose them.
func (f *file) keepExtra(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	for field := range reflect.TypeFor[file]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		delete(all, name)
	}
	f.extra = map[string][]byte{}
	for name, raw := range all {
		f.extra[name] = raw
	}
	return nil
}

func (f *file) withExtra(data []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for name, raw := range f.extra {
		if _, ok := all[name]; !ok {
			all[name] = raw
		}
	}
	return json.Marshal(all)
}

// nextRevision never repeats across delete and create.
func nextRevision(prev uint64, now time.Time) uint64 {
	return max(prev+1, uint64(max(now.UnixMicro(), 1)))
}
